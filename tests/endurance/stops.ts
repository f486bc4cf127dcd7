/**
 * The server is asked to stop under load, many times.
 *
 * @module
 */
import { shortIdOf } from "../bench/visitors.ts";
import { KEY, openStore, type Outcome, pause, serve, type Setup } from "./bar.ts";
import { Connection, ConnectionLost } from "./connection.ts";

/** The limit, in milliseconds. */
const STOPPED_WITHIN = 10_000;

const CLIENTS = 24;

/** The results of the requests. */
const TALLY = {
  /** Answered completely, with status 200. */
  answered: 0,
  /** Answered with another status. */
  otherwise: 0,
  /** An answer began and was cut off. */
  cut: 0,
  /** Sent on a new connection before the signal, and never answered. */
  lost: 0,
  /**
   * Sent on an idle connection, and not answered. A server cannot prevent that: it may close an idle connection while
   * the request is under way (RFC 9112, section 9.3.1). Clients repeat the request on a new connection.
   */
  askedAgain: 0,
  /**
   * Sent on a new connection after the signal, and not answered. Linux accepts connections before the process does, and
   * drops the waiting ones when the listener is closed: for the client, a late refusal.
   */
  refusedLate: 0,
  /** Refused, since the server no longer listened. */
  refused: 0,
};

/** One stop of a server. */
interface Stop {
  port: number;
  /** When the server was asked to stop, by `performance.now()`. */
  asked: number;
  tally: typeof TALLY;
}

/** Stops a server many times, each time after another delay. */
export async function stops(setup: Setup, folder: string, times: number, store: string): Promise<Outcome> {
  await using filled = await openStore(setup, folder, store);
  const tally = { ...TALLY };
  const codes = new Set<number>();
  let slowest = 0;
  for (let i = 0; i < times; i++) {
    await using server = await serve(setup, folder, filled.environment);
    const stop: Stop = { port: server.port, asked: Infinity, tally };
    const clients = Array.from({ length: CLIENTS }, (_, client) => ask(client, stop));
    await pause(200 + 800 * Math.random());
    stop.asked = performance.now();
    codes.add((await server.stop("SIGTERM")).code);
    slowest = Math.max(slowest, performance.now() - stop.asked);
    await Promise.all(clients);
  }
  const { answered, otherwise, cut, lost, askedAgain, refusedLate, refused } = tally;
  return {
    seen: `${answered.toLocaleString("en")} requests answered, ${otherwise} with another status than 200; ` +
      `${cut} answers cut off, ${lost} requests lost; ${askedAgain} asked again since an idle connection was ` +
      `closed; ${refused} refused, ${refusedLate} after the connection was made; ` +
      `exit codes ${[...codes]}, slowest stop ${slowest.toFixed(0)} ms`,
    isMet: otherwise + cut + lost === 0 && [...codes].join() === "0" && slowest <= STOPPED_WITHIN,
  };
}

/** Runs a client until the server accepts no connection. Every third client opens a connection for each request. */
async function ask(client: number, stop: Stop) {
  const { port, tally } = stop;
  const keepsAlive = client % 3 !== 0;
  const headers = { Authorization: KEY, ...(keepsAlive ? {} : { Connection: "close" }) };
  const paths = [`/api/visitors/${shortIdOf(client)}`, "/api/visitors/list/latest?max_results=1000", "/live"];
  for (let number = client; true;) {
    const opened = performance.now();
    let connection;
    try {
      connection = await Connection.open(port);
    } catch {
      tally.refused++;
      return;
    }
    using open = connection;
    try {
      while (true) {
        const { status, isLast } = await open.get(paths[number % paths.length], headers);
        tally[status === 200 ? "answered" : "otherwise"]++;
        number++;
        await pause(20 * Math.random());
        if (isLast || !keepsAlive) break;
      }
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
      // The request's number stays the same, so that the request is repeated.
      if (error.received > 0) tally.cut++;
      else if (open.answered > 0) tally.askedAgain++;
      else if (opened < stop.asked) tally.lost++;
      else tally.refusedLate++;
    }
  }
}
