/**
 * The MongoDB server of a benchmark.
 *
 * @module
 */
import { startOwnMongo } from "../support/mongodb.ts";
import { freePort } from "../support/ports.ts";

/** A server, which can be hurt where it is the benchmark's own. */
export interface Engine extends AsyncDisposable {
  uri: string;
  /** What it is, for people. */
  engine: string;
  /** Whether no earlier run's data is in it. */
  isEmpty: boolean;
  /** Stops it as a crash would, and starts it again with the same data; absent where it is somebody else's. */
  kill?(): Promise<void>;
  restart?(): Promise<void>;
}

/**
 * The server in `MONGO_BENCH_URI`, else SecantusDB's Rust server where `secantusd-rs` is on the PATH, else the one that
 * the tests use.
 *
 * @param folder where its data is kept
 * @param database what of it is used
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
