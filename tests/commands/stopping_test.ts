import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { visitorOf } from "../store/contract.ts";
import { testInFolder } from "../support/folders.ts";
import { freePort } from "../support/ports.ts";
import { fromSource, Process } from "../support/processes.ts";
import { startServer } from "../support/server.ts";
import { PRESENCE } from "../support/presence.ts";
import { until } from "../support/waiting.ts";

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const) {
  testInFolder(`${signal} is heard while the store is still opened`, async (folder) => {
    const earlier = new URL("../store/sqlite/earlier/schema-6.db.gz", import.meta.url);
    const bytes = (await Deno.open(earlier)).readable.pipeThrough(new DecompressionStream("gzip"));
    await Deno.writeFile(`${folder}/foyer.db`, bytes, { mode: 0o600 });
    const verdicts: [environment: Record<string, string>, opening: RegExp][] = [
      [{ MONGO_URI: `mongodb://127.0.0.1:${freePort()}/crm` }, /MongoDB does not answer yet/],
      [{ SQLITE_PATH: "foyer.db" }, /Rebuilding the embedded store/],
    ];
    await Promise.all(verdicts.map(async ([environment, opening]) => {
      const port = { HOST: "127.0.0.1", PORT: `${freePort()}` };
      await using server = new Process(fromSource(folder, [], { ...port, ...environment }));
      await server.until(opening);
      const { code, signal: endedBy } = await server.stop(signal);
      assert.deepEqual([code, endedBy], [0, null], server.stderr);
      assert.match(server.stderr, new RegExp(`Stopping on ${signal}`));
    }));
  });
}

for (const [what, presence] of [["", {}], [" where web pages connect", PRESENCE]] as const) {
  testInFolder(`A removal of all visitors stops when its client is gone${what}`, async (folder) => {
    const path = `${folder}/foyer.db`;
    const store = openSqliteStore(path, { use: "command" });
    await store.putVisitors(
      Array.from(
        { length: 20_000 },
        (_, i) => visitorOf({ short_id: `v${i}`, is_online: false, name: `Name ${i} of many` }),
      ),
    );
    await store.close();
    const environment = {
      REST_KEY: "a key that reads",
      REST_WRITE_KEY: "a key that writes",
      SQLITE_PATH: path,
    };
    await using server = await startServer(
      (environment) => fromSource(folder, [], environment),
      { ...presence, ...environment },
    );
    using database = new DatabaseSync(path);
    const count = () => Number(database.prepare("SELECT count(*) AS visitors FROM visitor").get()!.visitors);
    const gone = new AbortController();
    const removal = fetch(`${server.url}/api/visitors?all=true`, {
      method: "DELETE",
      headers: { Authorization: environment.REST_WRITE_KEY },
      signal: gone.signal,
    });
    await until(() => count() < 20_000);
    gone.abort();
    await assert.rejects(removal);
    await server.until(/"method":"DELETE"/);
    const left = count();
    assert.ok(left > 0);
    await server.stop("SIGTERM");
    assert.equal(count(), left);
  });
}
