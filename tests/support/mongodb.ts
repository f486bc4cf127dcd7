/**
 * A real MongoDB server for tests: the one in `MONGO_TEST_URI`, else a `mongod` on the PATH, else SecantusDB,
 * which is installed into a cache folder the first time.
 *
 * @module
 */
import { freePort } from "./ports.ts";
import { attempt } from "./processes.ts";
import { programFromPyPI } from "./pypi.ts";

const SECANTUSDB = "0.7.0b3";

/**
 * A shell's script that starts a server, tells its process id, and kills it when standard input ends, as it does
 * with the test run even where that is killed itself. Ctrl-C, which reaches the shell too, must not end it sooner.
 */
const KEEPER = `trap '' HUP INT TERM; "$@" >/dev/null 2>&1 & echo $!; exec >&-; read -r _; kill -9 $!; wait`;

/** A server, and a database on it of a random name that is dropped in the end. */
export interface TestMongo extends AsyncDisposable {
  /** Names the database. */
  uri: string;
}

/** A server of a test's own, which it may hurt. */
export interface OwnMongo extends TestMongo {
  /** Stops it at once, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again with the same data and port. */
  restart(): Promise<void>;
  /** It stays connected and no longer answers (SIGSTOP). */
  freeze(): Promise<void>;
  thaw(): void;
}

/**
 * A server to use.
 *
 * @throws where there is none and none can be had: a suite is never skipped
 */
export async function startMongo(): Promise<TestMongo> {
  const given = Deno.env.get("MONGO_TEST_URI");
  if (given === undefined || given === "") return await startOwnMongo();
  const { MongoClient } = await import("mongodb");
  const name = randomName();
  const url = new URL(given);
  // Users are kept in the database that the path named, if it named one.
  if (url.username !== "" && !url.searchParams.has("authSource")) {
    url.searchParams.set("authSource", url.pathname.slice(1) || "admin");
  }
  url.pathname = `/${name}`;
  return {
    uri: url.href,
    async [Symbol.asyncDispose]() {
      await using client = new MongoClient(url.href);
      await client.db(name).dropDatabase();
    },
  };
}

/** Whom a server lets in: without it everybody. */
export interface Protection {
  /** It speaks TLS alone. Paths of PEM files; `certificate` holds its key too. */
  tls?: { certificate: string; ca: string; asksForCertificate?: boolean };
  /** It lets nobody in but its users: this one, who may do everything, and those whom they make. */
  administrator?: { name: string; password: string };
}

/**
 * A server of its own, whether or not `MONGO_TEST_URI` is set. Started with nothing in it; its `uri` says neither
 * how it is protected nor a user.
 */
export async function startOwnMongo(
  { running = true, ...protection }: { running?: boolean } & Protection = {},
): Promise<OwnMongo> {
  const port = freePort();
  const folder = await Deno.makeTempDir({ prefix: "foyer-mongo-" });
  const server = await findServer();
  let keeper: Deno.ChildProcess | null = null;
  let pid = 0;

  const kill = async () => {
    await keeper?.stdin.close();
    await keeper?.status;
    keeper = null;
  };
  const signal = (name: Deno.Signal) => {
    if (keeper !== null) Deno.kill(pid, name);
  };
  const start = async (protection: Protection) => {
    keeper = new Deno.Command("sh", {
      args: ["-c", KEEPER, "sh", server.program, ...server.flags(port, folder, protection)],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    pid = Number(await new Response(keeper.stdout).text());
    await untilItListens(port);
  };
  const mongo: OwnMongo = {
    uri: `mongodb://127.0.0.1:${port}/${randomName()}`,
    kill,
    restart: () => start(protection),
    freeze: async () => {
      signal("SIGSTOP");
      // The signal is under way for a moment, in which it may still answer.
      for (let tries = 0; tries < 100 && keeper !== null && !await isStopped(pid); tries++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    thaw: () => signal("SIGCONT"),
    async [Symbol.asyncDispose]() {
      await kill();
      await Deno.remove(folder, { recursive: true });
    },
  };
  if (running) {
    try {
      if (protection.administrator !== undefined) {
        // While everybody may, since SecantusDB lets nobody make the first user otherwise.
        await start({});
        await makeAdministrator(mongo.uri, protection.administrator);
        await kill();
      }
      await mongo.restart();
    } catch (error) {
      await mongo[Symbol.asyncDispose]();
      throw error;
    }
  }
  return mongo;
}

/** As `ps` tells: the state of a process that is stopped begins with T. */
async function isStopped(pid: number): Promise<boolean> {
  return (await attempt("ps", "-o", "state=", "-p", `${pid}`)).text.trim().startsWith("T");
}

function randomName(): string {
  return `foyer_test_${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
}

async function makeAdministrator(uri: string, { name, password }: { name: string; password: string }) {
  const { MongoClient } = await import("mongodb");
  await using client = new MongoClient(uri);
  const admin = client.db("admin");
  await admin.command({ createUser: name, pwd: password, roles: ["root"] });
  // A kill that follows must not lose them.
  await admin.command({ fsync: 1 });
}

/** A program, and what tells it where to listen, where its data is and whom to let in. */
interface Server {
  program: string;
  flags(port: number, folder: string, protection: Protection): string[];
}

async function findServer(): Promise<Server> {
  const mongod = await attempt("sh", "-c", "command -v mongod");
  if (mongod.ok) return { program: mongod.text.trim(), flags: mongodFlags };
  return { program: await secantusdb(), flags: secantusdbFlags };
}

function mongodFlags(port: number, folder: string, { tls, administrator }: Protection): string[] {
  const flags = ["--port", `${port}`, "--dbpath", folder, "--bind_ip", "127.0.0.1", "--nounixsocket"];
  if (tls !== undefined) {
    flags.push("--tlsMode", "requireTLS", "--tlsCertificateKeyFile", tls.certificate, "--tlsCAFile", tls.ca);
    if (!tls.asksForCertificate) flags.push("--tlsAllowConnectionsWithoutCertificates");
  }
  if (administrator !== undefined) flags.push("--auth");
  return flags;
}

function secantusdbFlags(port: number, folder: string, { tls, administrator }: Protection): string[] {
  const flags = ["--port", `${port}`, "--storage-path", folder];
  if (tls !== undefined) {
    const { certificate, ca } = tls;
    flags.push("--tls-cert-file", certificate, "--tls-key-file", certificate, "--tls-ca-file", ca);
    if (tls.asksForCertificate) flags.push("--tls-require-client-cert");
  }
  if (administrator !== undefined) flags.push("--auth");
  return flags;
}

async function untilItListens(port: number) {
  for (let tries = 0; tries < 300; tries++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new Error(`The MongoDB server on port ${port} does not start`);
}

/** The program of SecantusDB. */
async function secantusdb(): Promise<string> {
  try {
    return await programFromPyPI("secantusdb", SECANTUSDB, "secantusd-py");
  } catch (error) {
    throw new Error(
      "No MongoDB server for the tests. Set MONGO_TEST_URI to a server, or put mongod on the PATH.",
      { cause: error },
    );
  }
}
