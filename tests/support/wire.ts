/**
 * A proxy in front of a MongoDB server that records commands and counts the documents in the answers.
 *
 * @module
 */

import { BSON } from "mongodb";

/** Called with each command, which is forwarded only after the returned promise resolves. */
export type Hold = (name: string, command: BSON.Document) => Promise<void> | void;

/** A proxy on a port of its own. */
export interface WireProxy extends AsyncDisposable {
  /** The connection string that leads through the proxy. */
  uri: string;
  /** The names of the received commands, without the driver's own, such as `hello`. */
  commands: string[];
  /** The received `find` commands; for commands that count documents, their filter. */
  finds: BSON.Document[];
  /** The number of documents in the answers to `find` commands and their `getMore` commands. */
  documents: number;
}

/**
 * Starts a proxy in front of a server.
 *
 * @param server the server's connection string
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
  // Otherwise clients would discover the server's own address, and connect there.
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
          // The other end has closed the connection.
        }
      }
    },
  });
}

// OP_MSG (https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/): a header of 16 bytes that begins
// with the message's length, 4 bytes of flags, a section's kind, and a document whose first key is the command.
const DOCUMENT = 16 + 4 + 1;
const OP_MSG = 2013;

/** Makes a parser that takes chunks of a stream, and returns the documents of the OP_MSG messages in it. */
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
      // The results of `$group` are values, not documents, and descriptions of indexes have no `_id`.
      const documents = (cursor?.firstBatch ?? cursor?.nextBatch ?? []) as BSON.Document[];
      count(documents.filter((document) => "_id" in document && Object.keys(document).length > 1).length);
    }
    alter(chunk);
    controller.enqueue(chunk);
  };
}
