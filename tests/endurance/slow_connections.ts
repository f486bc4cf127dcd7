/**
 * Many slow connections, and the response times of a normal client beside them.
 *
 * @module
 */
import { KEY, openStore, type Outcome, pause, quantile, serve, type Setup } from "./bar.ts";
import { Connection } from "./connection.ts";
import { changingRequests } from "./requests.ts";

/** The limit, in milliseconds. */
const P99 = 200;

/** Opens a number of slow connections of each kind, and sends requests beside them for some seconds. */
export async function slowConnections(
  setup: Setup,
  folder: string,
  connections: number,
  seconds: number,
  store: string,
): Promise<Outcome> {
  await using filled = await openStore(setup, folder, store);
  await using server = await serve(setup, folder, filled.environment);
  const open: Deno.TcpConn[] = [];
  let closed = 0;
  const connect = async () => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    open.push(conn);
    conn.readable.pipeTo(new WritableStream()).catch(() => {}).finally(() => closed++);
    return conn;
  };
  for (let i = 0; i < connections; i++) await connect();
  let isDone = false;
  const dripping = Array.from({ length: connections }, async () => {
    const conn = await connect();
    const writer = conn.writable.getWriter();
    try {
      for (const byte of endlessHead()) {
        await writer.write(Uint8Array.of(byte));
        await pause(1000);
        if (isDone) return;
      }
    } catch {
      // The server has closed the connection, which is counted above.
    }
  });

  const times: number[] = [];
  const others: string[] = [];
  const end = performance.now() + seconds * 1000;
  let kept = await Connection.open(server.port);
  for (const { path, right } of changingRequests(setup.visitors, 0)) {
    if (performance.now() > end) break;
    const start = performance.now();
    // Alternates between a new connection and the previous one.
    if (times.length % 2 === 0) {
      kept[Symbol.dispose]();
      kept = await Connection.open(server.port);
    }
    const { status } = await kept.get(path, { Authorization: KEY });
    times.push(performance.now() - start);
    if (!right.includes(status)) others.push(`${status} to ${path}`);
    await pause(10);
  }
  kept[Symbol.dispose]();
  const closedByServer = closed;
  isDone = true;
  await Promise.all(dripping);
  for (const conn of open) conn.close();
  const p99 = quantile(times, 0.99);
  return {
    seen:
      `${
        times.length.toLocaleString("en")
      } requests beside ${connections} dripping and ${connections} idle ` +
      `connections, of which the server closed ${closedByServer}; p99 ${p99.toFixed(1)} ms, slowest ` +
      `${Math.max(...times).toFixed(1)} ms; ${others.length} answered otherwise${
        others.length > 0 ? `, the first ${others[0]}` : ""
      }; RSS ${server.memory()} MB`,
    isMet: p99 < P99 && others.length === 0,
  };
}

function* endlessHead(): Generator<number> {
  yield* new TextEncoder().encode("GET /api/visitors/list/latest HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ");
  while (true) yield "x".charCodeAt(0);
}
