/**
 * A proxy in front of a MongoDB server that keeps answering while the server is unavailable, as load balancers do.
 *
 * @module
 */
import { BSON } from "mongodb";

/** What a proxy does while its server is unavailable. */
export type Answers =
  /** It accepts connections and closes them. */
  | "closes"
  /** It accepts connections and never answers. */
  | "is silent"
  /** It answers in another protocol. */
  | "speaks HTTP"
  /** It forwards the driver's own commands, and answers all others with this document. */
  | Record<string, unknown>;

/** A proxy on a port of its own. */
export interface FaultyProxy extends AsyncDisposable {
  /** The connection string that leads through the proxy. */
  uri: string;
  /** What the proxy does; `null` forwards everything. */
  answers: Answers | null;
}

const HTTP = new TextEncoder().encode("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");

/** Starts a proxy in front of a server, which is given by its connection string. */
export function startFaultyProxy(server: string): FaultyProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = new URL(server);
  const upstreamPort = Number(url.port);
  url.port = `${listener.addr.port}`;
  url.searchParams.set("directConnection", "true");
  const connections = new Set<Deno.Conn>();

  async function relay(client: Deno.Conn) {
    const upstream = await Deno.connect({ hostname: "127.0.0.1", port: upstreamPort });
    connections.add(client).add(upstream);
    const toServer = async () => {
      for await (const message of messagesOf(client)) {
        const { answers } = proxy;
        const isDrivers = ["hello", "ismaster", "isMaster", "ping", "endSessions"].includes(
          commandOf(message),
        );
        if (answers === null || typeof answers === "object" && isDrivers) await writeAll(upstream, message);
        else if (answers === "closes") return;
        else if (answers === "speaks HTTP") await writeAll(client, HTTP);
        else if (typeof answers === "object") await writeAll(client, replyTo(message, answers));
      }
    };
    await Promise.race([toServer(), upstream.readable.pipeTo(client.writable)]).catch(() => {});
    close(client);
    close(upstream);
  }

  const work = (async () => {
    for await (const client of listener) relay(client).catch(() => close(client));
  })();
  const proxy: FaultyProxy = {
    uri: url.href,
    answers: null,
    async [Symbol.asyncDispose]() {
      listener.close();
      await work;
      for (const connection of connections) close(connection);
    },
  };
  return proxy;
}

/** Reads wire protocol messages (https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/). */
async function* messagesOf(connection: Deno.Conn): AsyncGenerator<Uint8Array> {
  let bytes = new Uint8Array();
  const part = new Uint8Array(64 * 1024);
  for (let read; (read = await connection.read(part)) !== null;) {
    bytes = new Uint8Array([...bytes, ...part.subarray(0, read)]);
    for (let length; bytes.length >= 4 && bytes.length >= (length = viewOf(bytes).getInt32(0, true));) {
      yield bytes.slice(0, length);
      bytes = bytes.slice(length);
    }
  }
}

const [OP_QUERY, OP_MSG] = [2004, 2013];
/** The offset of the document in an OP_MSG: after the header, the flags, and the section's kind. */
const BEFORE_DOCUMENT = 16 + 4 + 1;

function commandOf(message: Uint8Array): string {
  // Only the driver's first command is an OP_QUERY.
  if (viewOf(message).getInt32(12, true) === OP_QUERY) return "hello";
  const size = viewOf(message).getInt32(BEFORE_DOCUMENT, true);
  return Object.keys(BSON.deserialize(message.subarray(BEFORE_DOCUMENT, BEFORE_DOCUMENT + size)))[0];
}

function replyTo(message: Uint8Array, document: Record<string, unknown>): Uint8Array {
  const body = BSON.serialize(document);
  const reply = new Uint8Array(BEFORE_DOCUMENT + body.length);
  const view = viewOf(reply);
  view.setInt32(0, reply.length, true);
  view.setInt32(8, viewOf(message).getInt32(4, true), true);
  view.setInt32(12, OP_MSG, true);
  reply.set(body, BEFORE_DOCUMENT);
  return reply;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array) {
  for (let written = 0; written < bytes.length;) written += await connection.write(bytes.subarray(written));
}

function close(connection: Deno.Conn) {
  try {
    connection.close();
  } catch {
    // The connection is closed already.
  }
}
