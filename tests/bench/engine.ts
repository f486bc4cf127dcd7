/**
 * The MongoDB server of a benchmark.
 *
 * @module
 */
import { startOwnMongo } from "../support/mongodb.ts";
import { freePort } from "../support/ports.ts";

/** A MongoDB server; the benchmark can kill it if it is its own. */
export interface Engine extends AsyncDisposable {
  uri: string;
  /** The server's name and version, for the report. */
  engine: string;
  /** Whether it has no data of an earlier run. */
  isEmpty: boolean;
  /** Kills the server, and starts it again with the same data; absent if the server is not the benchmark's own. */
  kill?(): Promise<void>;
  restart?(): Promise<void>;
}

/**
 * Opens the server in `MONGO_BENCH_URI`, otherwise SecantusDB's Rust server if `secantusd-rs` is on the PATH, otherwise
 * the one that the tests use.
 *
 * @param folder the folder for the server's data
 * @param database the name of the database to use
 */
export async function openEngine(folder: string, database: string): Promise<Engine> {
  const given = Deno.env.get("MONGO_BENCH_URI");
  if (given) {
    return {
      uri: given,
      engine: "MONGO_BENCH_URI, as MongoDB",
      isEmpty: true,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  await Deno.mkdir(folder, { recursive: true });
  const port = freePort();
  const args = ["--host", "127.0.0.1", "--port", `${port}`, "--storage-path", folder];
  let child: Deno.ChildProcess;
  const start = async () => {
    child = new Deno.Command("secantusd-rs", { args, stdout: "null", stderr: "null" }).spawn();
    await new Promise((resolve) => setTimeout(resolve, 1000));
  };
  const end = async (signal: Deno.Signal) => {
    child.kill(signal);
    await child.status;
  };
  try {
    await start();
  } catch {
    return Object.assign(await startOwnMongo(), { engine: "the tests' server, as MongoDB", isEmpty: true });
  }
  return {
    uri: `mongodb://127.0.0.1:${port}/${database}?directConnection=true`,
    engine: "SecantusDB's Rust server, as MongoDB",
    isEmpty: false,
    kill: () => end("SIGKILL"),
    restart: start,
    [Symbol.asyncDispose]: () => end("SIGTERM"),
  };
}
