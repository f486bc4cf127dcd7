/**
 * Listens for requests and for the WebSockets of web pages.
 *
 * `Deno.serve` with `Deno.upgradeWebSocket` would be faster for large lists, but it assembles messages of 64 MB before
 * any code sees them, cannot end a connection whose other end does not answer, and never closes the files of clients
 * that reset their connection during the handshake (Deno 2.9.6: 988 of 1,000).
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { within } from "../async/deadline.ts";
import { listen, type Listener, refusedAddress, STOP_DEADLINE } from "../operations/listen.ts";
import type { Log } from "../operations/log.ts";
import { Connections } from "./connections.ts";
import { ApiError } from "./errors.ts";
import { CLOSE_DEADLINE, MAX_FRAGMENTS, MAX_PAYLOAD, type PageSocket } from "./page_socket.ts";
import type { ConnectionInfo } from "./request_log.ts";
import { RuntimeSocket } from "./runtime_socket.ts";

/** Answers a request. */
type Handler = (request: Request, connection: ConnectionInfo) => Promise<Response>;

/**
 * Listens for requests and WebSockets.
 *
 * @param log receives errors of accepting connections
 * @throws {ConfigurationError} the port is taken, or this user may not open it
 */
export async function listenForPages(
  handler: Handler,
  { port, host }: { port: number; host: string },
  log: Log,
): Promise<Listener> {
  if (!hasSoundUpgrade()) return listenByRuntime(handler, { port, host }, log);
  // Loaded here, since the library reads environment variables at once: commands that do not listen lack that right.
  const { WebSocketServer } = await import("ws");
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_PAYLOAD,
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: MAX_PAYLOAD,
    closeTimeout: CLOSE_DEADLINE,
  });
  const answer = getRequestListener(
    (request, { incoming }) =>
      handler(request, { remoteAddr: addressOf((incoming as IncomingMessage).socket) }),
    { overrideGlobalObjects: false },
  );
  const connections = new Connections(log);
  const server = createServer((incoming, outgoing) => {
    connections.begin(incoming.socket);
    // In HTTP/1.0 Host is optional, and some load balancers that probe /live leave it out.
    if (incoming.httpVersion === "1.0") incoming.headers.host ??= "localhost";
    outgoing.once("close", () => connections.end(incoming.socket));
    void answer(incoming, outgoing);
  });
  server.on("connection", (socket: Socket) => connections.accept(socket));
  server.on("upgrade", (incoming: IncomingMessage, stream: Duplex, head: Uint8Array) => {
    // A client may reset its connection at any moment.
    stream.on("error", () => stream.destroy());
    void upgrade(incoming, stream, head).catch(() => stream.destroy());
  });

  async function upgrade(incoming: IncomingMessage, stream: Duplex, head: Uint8Array) {
    let isTaken = false;
    connections.begin(stream as Socket);
    const request = requestOf(incoming);
    const response = await handler(request, {
      remoteAddr: addressOf(stream as Socket),
      upgrade: () => {
        if (stream.destroyed) return null;
        if (!connections.admitPage()) throw new ApiError("too_many_connections", NO_FILES, RETRY_AFTER);
        let socket: PageSocket | null = null;
        isTaken = true;
        // The library answers an invalid handshake itself, and then calls nothing.
        sockets.handleUpgrade(incoming, stream, head, (opened: PageSocket) => socket = opened);
        connections.end(stream as Socket);
        (socket as PageSocket | null)?.on("message", () => connections.begin(stream as Socket));
        return socket;
      },
    });
    if (!isTaken) await refuse(stream, response);
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: Error & { code?: string }) => reject(refusedAddress(error, { port, host })));
    server.listen(port, host, resolve);
  });
  server.on("error", (error) => log(`Cannot take connections: ${error.message}`, "warning"));
  const { port: actualPort } = server.address() as { port: number };
  const watch = setInterval(() => {
    // After it failed to accept one connection, the runtime accepts no more and reports no error: listen again.
    if (connections.wereShort()) server.close();
    if (!server.listening) server.listen(actualPort, host);
  }, WATCH_INTERVAL);
  return {
    port: actualPort,
    stop: () => {
      clearInterval(watch);
      return stop(server);
    },
  };
}

/**
 * Whether `node:http` of this Deno supports WebSockets reliably: Deno 2.6 does not close upgraded connections. On such a
 * version the runtime's own WebSockets are used, with the faults described above.
 */
export function hasSoundUpgrade(): boolean {
  const [major, minor] = Deno.version.deno.split(".").map(Number);
  return major > 2 || major === 2 && minor >= 9;
}

function listenByRuntime(handler: Handler, address: { port: number; host: string }, log: Log): Listener {
  const answer = async (request: Request, { remoteAddr }: { remoteAddr: Deno.Addr }) => {
    let upgraded: Response | null = null;
    const response = await handler(request, {
      remoteAddr,
      upgrade: () => {
        try {
          const { socket, response } = Deno.upgradeWebSocket(request);
          upgraded = response;
          return new RuntimeSocket(socket);
        } catch {
          return null;
        }
      },
    });
    return upgraded ?? response;
  };
  return listen(answer, address, log);
}

/** How often the server checks whether accepting connections failed, in milliseconds. */
const WATCH_INTERVAL = 1000;

const NO_FILES = "No more files may be opened for web pages: raise the limit of open files.";
const RETRY_AFTER = { "Retry-After": "10" };

/** Stops accepting connections, waits for requests in flight for {@link STOP_DEADLINE}, and closes all connections. */
async function stop(server: Server) {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  await within(STOP_DEADLINE, closed);
  server.closeAllConnections();
}

/** The address of the peer; empty if the runtime does not know it. */
function addressOf(socket: Socket): Deno.NetAddr {
  const { remoteAddress = "", remotePort = 0 } = socket;
  return { transport: "tcp", hostname: remoteAddress, port: remotePort };
}

function requestOf({ url = "/", headers, method }: IncomingMessage): Request {
  const given = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    for (const one of [value ?? []].flat()) given.append(name, one);
  }
  // Not by `new Request`, which would throw for a malformed Host.
  return { url: `http://${headers.host ?? "localhost"}${url}`, headers: given, method } as Request;
}

/** Writes an ordinary response to a request for a WebSocket. */
async function refuse(stream: Duplex, response: Response) {
  const body = new Uint8Array(await response.arrayBuffer());
  const { status } = response;
  const headers = new Headers(response.headers);
  headers.set("Connection", "close");
  headers.set("Content-Length", String(body.length));
  const lines = Array.from(headers, ([name, value]) => `${name}: ${value}\r\n`).join("");
  stream.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines}\r\n`);
  stream.end(body, () => stream.destroy());
}
