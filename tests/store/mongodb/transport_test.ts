import assert from "node:assert/strict";
import { appOver } from "../../support/app.ts";
import type { Authority } from "../../support/certificates.ts";
import { hasAllRights } from "../../support/rights.ts";
import { until } from "../../support/waiting.ts";
import { visitorOf } from "../contract.ts";

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { MongoClient } = await import("mongodb");
  const { openMongoStore } = await import("../../../src/store/mongodb/store.ts");
  const { makeAuthority } = await import("../../support/certificates.ts");
  const { startOwnMongo } = await import("../../support/mongodb.ts");

  const PASSWORD = "S3cr3t/p@ss:word";
  const administrator = { name: "administrator", password: PASSWORD };
  const user = { name: "foyer", password: PASSWORD };

  type Options = Record<string, string>;

  /** A connection string to a server, with options and a user. */
  const uriTo = (
    server: { uri: string },
    options: Options,
    { name, password } = { name: "", password: "" },
  ) => {
    const url = new URL(server.uri);
    Object.assign(url, { username: name, password: encodeURIComponent(password) });
    url.search = new URLSearchParams(options).toString();
    return url.href;
  };

  /** Creates Foyer's database user, in Foyer's own database. */
  const makeUser = async (server: { uri: string }, options: Options = {}) => {
    await using client = new MongoClient(uriTo(server, { ...options, authSource: "admin" }, administrator));
    const { name: createUser, password: pwd } = user;
    await client.db(new URL(server.uri).pathname.slice(1)).command({ createUser, pwd, roles: ["readWrite"] });
  };

  /** An application that reaches its server by this connection string. */
  const openApp = (uri: string) => {
    const log: string[] = [];
    const say = (sentence: string) => log.push(sentence);
    const store = openMongoStore({ uri, collection: "visitors", use: "request", log: say });
    return { ...appOver(store, {}, say), log, [Symbol.asyncDispose]: () => store.close() };
  };
  type App = ReturnType<typeof openApp>;

  /** Waits until a visitor can be written and read, soon after requests were refused. */
  const serves = async ({ store, ask }: App) => {
    await until(async () =>
      (await ask("/api/visitors/a")).status !== 503 && (await ask("/ready")).status === 200
    );
    await store.putVisitors([visitorOf({ short_id: "ada", name: "Ada" })]);
    const response = await ask("/api/visitors/ada");
    assert.equal(response.status, 200);
    assert.equal((await response.json()).visitor.name, "Ada");
  };

  /** Checks that the application answers 503 in time and is not ready, and that its log contains no secret. */
  const refuses = async ({ ask, log }: App) => {
    const start = performance.now();
    let isAnswered = false;
    const asking = ask("/api/visitors/list/latest").finally(() => isAnswered = true);
    while (!isAnswered) {
      assert.equal((await ask("/ready")).status, 503, "never ready, not even between two tries");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const response = await asking;
    const seconds = (performance.now() - start) / 1000;
    assert.equal(response.status, 503);
    assert.equal((await response.json()).error, "database_unavailable");
    // A generous limit, since other tests run on the machine at the same time.
    assert.ok(seconds < 15, `answered in time, not after ${seconds} seconds`);
    assert.equal((await ask("/live")).status, 200);
    assert.doesNotMatch(log.join("\n"), /S3cr3t|BEGIN|MII/);
  };

  /** The reason as the log shows it. Deno 2.6 has no codes for TLS errors. */
  const notYet = (reason: string) => new RegExp(`^MongoDB does not answer yet: ${reason}$`, "m");
  const overTls = (code: string) => notYet(`MongoServerSelectionError, (${code}|InvalidData)`);
  const UNTRUSTED = overTls("UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN");
  const WRONG_HOST = overTls("ERR_TLS_CERT_ALTNAME_INVALID");
  /** The log line if the server ends the connection; servers do so with different codes. */
  const HUNG_UP = notYet("MongoServerSelectionError, \\w+");
  const WRONG_PASSWORD = notYet("MongoServerError, AuthenticationFailed");

  const isServed = async (uri: string) => {
    await using app = openApp(uri);
    await serves(app);
  };
  const isRefused = async (uri: string, reason: RegExp) => {
    await using app = openApp(uri);
    await refuses(app);
    assert.match(app.log.join("\n"), reason);
  };

  let folder: string;
  /** Servers and Foyer trust the first authority, unless a test says otherwise. */
  let authority: Authority, other: Authority;
  /** The certificate of the servers, for the address by which they are reached, and that of a client. */
  let certificate: string, tlsCertificateKeyFile: string;
  /** The connection's options for a server whose certificate the authority signed. */
  let options: Options;

  Deno.test.beforeAll(async () => {
    folder = await Deno.makeTempDir({ prefix: "foyer-test-" });
    authority = await makeAuthority(folder, "authority");
    other = await makeAuthority(folder, "other");
    certificate = await authority.sign("127.0.0.1");
    tlsCertificateKeyFile = await authority.sign("foyer");
    options = { tls: "true", tlsCAFile: authority.file };
  });

  Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

  const test = (sentence: string, fn: () => Promise<void>) =>
    Deno.test({ name: `MongoDB's transport: ${sentence}`, fn, sanitizeOps: false, sanitizeResources: false });

  test("over TLS a server is trusted whose certificate the given CA signed, and no other", async () => {
    await using server = await startOwnMongo({ tls: { certificate, ca: authority.file } });
    await isServed(uriTo(server, options));
    await Promise.all([
      isRefused(uriTo(server, { ...options, tlsCAFile: other.file }), UNTRUSTED),
      isRefused(uriTo(server, { tls: "true" }), UNTRUSTED),
      isRefused(uriTo(server, {}), HUNG_UP),
    ]);
  });

  test("a certificate for another host is refused", async () => {
    const certificate = await authority.sign("db.example.com");
    await using server = await startOwnMongo({ tls: { certificate, ca: authority.file } });
    await isRefused(uriTo(server, options), WRONG_HOST);
    // Only the host name was wrong: without its check the connection works.
    await isServed(uriTo(server, { ...options, tlsAllowInvalidHostnames: "true" }));
  });

  test("a server that comes back with another CA's certificate is refused, until it has its own again", async () => {
    const current = `${folder}/current.pem`;
    await Deno.copyFile(certificate, current);
    await using server = await startOwnMongo({ tls: { certificate: current, ca: authority.file } });
    await using app = openApp(uriTo(server, options));
    await serves(app);
    await server.kill();
    await Deno.copyFile(await other.sign("127.0.0.1"), current);
    await server.restart();
    // The driver notices within a second that the server was gone.
    await until(async () => (await app.ask("/ready")).status !== 200);
    await refuses(app);
    await server.kill();
    await Deno.copyFile(certificate, current);
    await server.restart();
    await serves(app);
  });

  test("a server that asks for a client certificate gets the given one", async () => {
    const tls = { certificate, ca: authority.file, asksForCertificate: true };
    await using server = await startOwnMongo({ tls });
    await isServed(uriTo(server, { ...options, tlsCertificateKeyFile }));
    const otherClient = await other.sign("foyer");
    await Promise.all([
      isRefused(uriTo(server, options), HUNG_UP),
      isRefused(uriTo(server, { ...options, tlsCertificateKeyFile: otherClient }), HUNG_UP),
    ]);
  });

  test("a user signs in by SCRAM-SHA-256, with the right password, as soon as there is one", async () => {
    await using server = await startOwnMongo({ administrator });
    await using app = openApp(uriTo(server, {}, user));
    const stranger = { ...administrator, password: `${PASSWORD}?` };
    const toAdmin = { authSource: "admin" };
    const byName = { authMechanism: "SCRAM-SHA-256" };
    await Promise.all([
      refuses(app),
      isRefused(uriTo(server, toAdmin, stranger), WRONG_PASSWORD),
      isRefused(uriTo(server, { ...toAdmin, ...byName }, stranger), WRONG_PASSWORD),
    ]);
    assert.match(app.log.join("\n"), WRONG_PASSWORD);
    await makeUser(server);
    await serves(app);
    await isServed(uriTo(server, byName, user));
    await isServed(uriTo(server, toAdmin, administrator));
  });

  test("TLS, a client certificate and a user go together", async () => {
    const tls = { certificate, ca: authority.file, asksForCertificate: true };
    await using server = await startOwnMongo({ tls, administrator });
    const all = { ...options, tlsCertificateKeyFile };
    await makeUser(server, all);
    await isServed(uriTo(server, { ...all, authMechanism: "SCRAM-SHA-256" }, user));
  });
}
