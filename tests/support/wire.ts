/**
 * A proxy before a MongoDB server that records commands and counts the documents in the answers.
 *
 * @module
 */

import { BSON } from "mongodb";

/** Called with each command, which is held back until it resolves. */
export type Hold = (name: string, command: BSON.Document) => Promise<void> | void;

/** A proxy on a port of its own. */
export interface WireProxy extends AsyncDisposable {
  /** The connection string that leads through it. */
  uri: string;
  /** The names of the commands that came, without the driver's own questions of whether the server is there. */
  commands: string[];
  /** The `find` commands among them, whole; of those that count documents, what they look for. */
  finds: BSON.Document[];
  /** How many documents the answers to `find` commands, and to what continues them, held. */
  documents: number;
}

/**
 * Puts a proxy before a server.
 *
 * @param server its connection string
 * @param alter changes the bytes of answers, in place
 */
export function startWireProxy(
  server: string,
  hold: Hold = () => {},
  alter: (answer: Uint8Array) => void = () => {},
): WireProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = new URL(server);
  const port = Number(url.port);
  url.port = `${listener.addr.port}`;
  // Clients would go past it otherwise.
  url.searchParams.set("directConnection", "true");
  const commands: string[] = [];
  const finds: BSON.Document[] = [];
  const proxy = { documents: 0 };
  const connections: Deno.Conn[] = [];
  const work = (async () => {
    for await (const client of listener) {
      const upstream = await Deno.connect({ hostname: "127.0.0.1", port });
      connections.push(client, upstream);
      const observer = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform: observeCommands(commands, finds, hold),
      });
      client.readable.pipeThrough(observer).pipeTo(upstream.writable).catch(() => {});
      const counter = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform: countDocuments((count) => proxy.documents += count, alter),
      });
      upstream.readable.pipeThrough(counter).pipeTo(client.writable).catch(() => {});
    }
  })();
  return Object.assign(proxy, {
    uri: url.href,
    commands,
    finds,
    async [Symbol.asyncDispose]() {
      listener.close();
      await work;
      for (const connection of connections) {
        try {
          connection.close();
        } catch {
          // The other end has closed it.
        }
      }
    },
  });
}

// OP_MSG (https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/): a header of 16 bytes that begins
// with the message's length, 4 bytes of flags, a section's kind, and a document whose first key is the command.
const DOCUMENT = 16 + 4 + 1;
const OP_MSG = 2013;

/** Returns what takes whole OP_MSG messages out of a stream, each as its document. */
function messagesOf(): (chunk: Uint8Array) => BSON.Document[] {
  let bytes = new Uint8Array(0);
  return (chunk) => {
    const joined = new Uint8Array(bytes.length + chunk.length);
    joined.set(bytes);
    joined.set(chunk, bytes.length);
    bytes = joined;
    const messages: BSON.Document[] = [];
    while (bytes.length >= 16) {
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const length = view.getInt32(0, true);
      if (bytes.length < length) break;
      if (view.getInt32(12, true) === OP_MSG) {
        const end = DOCUMENT + view.getInt32(DOCUMENT, true);
        messages.push(BSON.deserialize(bytes.subarray(DOCUMENT, end), { validation: { utf8: false } }));
      }
      bytes = bytes.slice(length);
    }
    return messages;
  };
}

type Controller = TransformStreamDefaultController<Uint8Array<ArrayBuffer>>;

function observeCommands(
  commands: string[],
  finds: BSON.Document[],
  hold: Hold,
) {
  const read = messagesOf();
  return async (chunk: Uint8Array<ArrayBuffer>, controller: Controller) => {
    for (const command of read(chunk)) {
      const [name] = Object.keys(command);
      if (name === "find") finds.push(command);
      if (name === "aggregate") finds.push({ filter: command.pipeline[0].$match });
      if (!["hello", "ismaster", "ping", "endSessions"].includes(name)) commands.push(name);
      await hold(name, command);
    }
    controller.enqueue(chunk);
  };
}

function countDocuments(count: (documents: number) => void, alter: (answer: Uint8Array) => void) {
  const read = messagesOf();
  return (chunk: Uint8Array<ArrayBuffer>, controller: Controller) => {
    for (const { cursor } of read(chunk)) {
      // What a `$group` gives are values, and what describes an index has no `_id`.
      const documents = (cursor?.firstBatch ?? cursor?.nextBatch ?? []) as BSON.Document[];
      count(documents.filter((document) => "_id" in document && Object.keys(document).length > 1).length);
    }
    alter(chunk);
    controller.enqueue(chunk);
  };
}
