/**
 * A real MongoDB server for tests: the one in `MONGO_TEST_URI`, otherwise a `mongod` on the PATH, otherwise SecantusDB,
 * which is installed into a cache folder at the first use.
 *
 * @module
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./ports.ts";
import { attempt } from "./processes.ts";
import { programFromPyPI } from "./pypi.ts";

const SECANTUSDB = "0.7.0b3";

/**
 * A shell script that starts a server, prints its process id, and kills the server when standard input ends, which
 * happens at the end of the test run even if that is killed. The traps keep Ctrl-C from ending the script earlier.
 */
const KEEPER = `trap '' HUP INT TERM; "$@" >/dev/null 2>&1 & echo $!; exec >&-; read -r _; kill -9 $!; wait`;

/**
 * A shell script that starts a server for several test files. Within a second after the end of the test run (the
 * process `$PPID`), however it ended, the script kills the server and removes its folder.
 */
const POOL_KEEPER = `folder=$1; shift; trap '' HUP INT TERM
{
  "$@" & while kill -0 $PPID && sleep 1; do :; done
  kill -9 $!; wait; rm -rf "$folder"; rmdir "$(dirname "$folder")"
} </dev/null >/dev/null 2>&1 &`;

/** A server, and a database with a random name on it, which is dropped at the end. */
export interface TestMongo extends AsyncDisposable {
  /** The connection string; its path names the database. */
  uri: string;
}

/** A server for one test, which may stop it. */
export interface OwnMongo extends TestMongo {
  /** Kills the server, like a crash. */
  kill(): Promise<void>;
  /** Starts the server again with the same data and port. */
  restart(): Promise<void>;
  /** Stops the process (SIGSTOP): it stays connected, but no longer answers. */
  freeze(): Promise<void>;
  thaw(): void;
}

/**
 * Opens a new database on a server that other test files use before and after.
 *
 * @throws {Error} there is no server and none can be installed; suites are never skipped
 */
export async function startMongo(): Promise<TestMongo> {
  const { MongoClient } = await import("mongodb");
  const name = randomName();
  const given = Deno.env.get("MONGO_TEST_URI") || null;
  const borrowed = given === null ? await borrowServer() : null;
  const url = new URL(given ?? borrowed!.uri);
  // The path named the database of the users; now it names another one.
  if (url.username !== "" && !url.searchParams.has("authSource")) {
    url.searchParams.set("authSource", url.pathname.slice(1) || "admin");
  }
  url.pathname = `/${name}`;
  return {
    uri: url.href,
    async [Symbol.asyncDispose]() {
      await using client = new MongoClient(url.href);
      await client.db(name).dropDatabase();
      borrowed?.giveBack();
    },
  };
}

/**
 * Borrows a server of this test run that no other test file is using; starts one if necessary. Test files are threads
 * of one process, and coordinate by files in a folder that is named after the process.
 */
async function borrowServer(): Promise<{ uri: string; giveBack(): void }> {
  const server = await findServer();
  for (let number = 0;; number++) {
    const folder = join(tmpdir(), `foyer-mongo-${Deno.pid}`, `${number}`);
    const [data, inUse, portFile] = ["data", "in-use", "port"].map((name) => join(folder, name));
    await Deno.mkdir(data, { recursive: true });
    try {
      await Deno.writeTextFile(inUse, "", { createNew: true });
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) continue;
      throw error;
    }
    let port = Number(await Deno.readTextFile(portFile).catch(() => "0"));
    // The file may be of an earlier run with the same process id, which was killed together with its servers.
    if (port === 0 || !await listens(port)) {
      port = freePort();
      await Deno.writeTextFile(portFile, `${port}`);
      await attempt("sh", "-c", POOL_KEEPER, "sh", folder, server.program, ...server.flags(port, data, {}));
    }
    await untilItListens(port);
    return { uri: `mongodb://127.0.0.1:${port}/`, giveBack: () => Deno.removeSync(inUse) };
  }
}

/** The access control of a server; by default there is none. */
export interface Protection {
  /** Makes the server require TLS. Paths of PEM files; `certificate` contains the key too. */
  tls?: { certificate: string; ca: string; asksForCertificate?: boolean };
  /** Makes the server require authentication, with this user, who has all rights. */
  administrator?: { name: string; password: string };
}

/**
 * Starts an empty server for one test, whether or not `MONGO_TEST_URI` is set. Its `uri` has no TLS options and no
 * user.
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
      // Until the signal has arrived, the server may still answer.
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
        // The first user is created before access control is on, since SecantusDB allows it only then.
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

/** Whether a process is stopped: `ps` then shows a state that begins with T. */
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
  // Written to disk, so that killing the server does not lose the users.
  await admin.command({ fsync: 1 });
}

/** A server program with its arguments. */
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

async function listens(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

async function untilItListens(port: number) {
  for (let tries = 0; tries < 300; tries++) {
    if (await listens(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
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
