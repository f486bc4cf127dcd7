/**
 * The server is asked to stop under load, many times.
 *
 * @module
 */
import { shortIdOf } from "../bench/visitors.ts";
import { KEY, openStore, type Outcome, pause, serve, type Setup } from "./bar.ts";
import { Connection, ConnectionLost } from "./connection.ts";

/** In milliseconds: the bar. */
const STOPPED_WITHIN = 10_000;

const CLIENTS = 24;

/** What became of the requests. */
const TALLY = {
  /** In full, with 200. */
  answered: 0,
  /** With another status. */
  otherwise: 0,
  /** An answer began and did not end. */
  cut: 0,
  /** Sent on a new connection before the signal, and never answered. */
  lost: 0,
  /**
   * Sent on a connection that had been idle, and not answered. A server cannot help that: it closes an idle
   * connection while the request is under way (RFC 9112, section 9.3.1). Clients ask once more, on a new one.
   */
  askedAgain: 0,
  /**
   * Sent on a new connection after the signal, and not answered. Linux takes connections for a listener before the
   * process does, and drops those that wait when it is closed: to the client, a refusal that comes late.
   */
  refusedLate: 0,
  /** The server listened no more. */
  refused: 0,
};

/** A server that is about to be stopped. */
interface Stop {
  port: number;
  /** When it was asked to, by `performance.now()`. */
  asked: number;
  tally: typeof TALLY;
}

/** Stops it many times, each time after another while. */
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

/** A client, until the server takes no connection any more. Every third one has a connection for each request. */
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
      // The number is the same: what was not answered is asked again.
      if (error.received > 0) tally.cut++;
      else if (open.answered > 0) tally.askedAgain++;
      else if (opened < stop.asked) tally.lost++;
      else tally.refusedLate++;
    }
  }
}
