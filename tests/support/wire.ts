/**
 * A proxy before a MongoDB server that tells what it is asked.
 *
 * @module
 */

import { BSON } from "mongodb";

/** A proxy on a port of its own. */
export interface WireProxy extends AsyncDisposable {
  /** The connection string that leads through it. */
  uri: string;
  /** The names of the commands that came, without the driver's own questions of whether the server is there. */
  commands: string[];
  /** The `find` commands among them, whole; of those that count documents, what they look for. */
  finds: BSON.Document[];
}

/**
 * Puts a proxy before a server.
 *
 * @param server its connection string
 * @param hold how long a command is held back, by its name
 */
export function startWireProxy(
  server: string,
  hold: (command: string) => Promise<void> | void = () => {},
): WireProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = new URL(server);
  const port = Number(url.port);
  url.port = `${listener.addr.port}`;
  // Clients would go past it otherwise.
  url.searchParams.set("directConnection", "true");
  const commands: string[] = [];
  const finds: BSON.Document[] = [];
  const connections: Deno.Conn[] = [];
  const work = (async () => {
    for await (const client of listener) {
      const upstream = await Deno.connect({ hostname: "127.0.0.1", port });
      connections.push(client, upstream);
      const observer = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform: observeCommands(commands, finds, hold),
      });
      client.readable.pipeThrough(observer).pipeTo(upstream.writable).catch(() => {});
      upstream.readable.pipeTo(client.writable).catch(() => {});
    }
  })();
  return {
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
  };
}

// OP_MSG (https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/): a header of 16 bytes that begins
// with the message's length, 4 bytes of flags, a section's kind, and a document whose first key is the command.
const DOCUMENT = 16 + 4 + 1;
const FIRST_KEY = DOCUMENT + 4 + 1;
const OP_MSG = 2013;

function observeCommands(
  commands: string[],
  finds: BSON.Document[],
  hold: (command: string) => Promise<void> | void,
) {
  let bytes = new Uint8Array(0);
  return async (
    chunk: Uint8Array<ArrayBuffer>,
    controller: TransformStreamDefaultController<Uint8Array<ArrayBuffer>>,
  ) => {
    bytes = Uint8Array.from([...bytes, ...chunk]);
    while (bytes.length >= 16) {
      const view = new DataView(bytes.buffer);
      const length = view.getInt32(0, true);
      if (bytes.length < length) break;
      if (view.getInt32(12, true) === OP_MSG) {
        const name = new TextDecoder().decode(bytes.slice(FIRST_KEY, bytes.indexOf(0, FIRST_KEY)));
        if (["find", "aggregate"].includes(name)) {
          const command = BSON.deserialize(bytes.slice(DOCUMENT, DOCUMENT + view.getInt32(DOCUMENT, true)));
          finds.push(name === "find" ? command : { filter: command.pipeline[0].$match });
        }
        if (!["hello", "ismaster", "ping", "endSessions"].includes(name)) commands.push(name);
        await hold(name);
      }
      bytes = bytes.slice(length);
    }
    controller.enqueue(chunk);
  };
}
