import assert from "node:assert/strict";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { readVisitor } from "../../src/visitor/visitor.ts";
import { appOver } from "../support/app.ts";
import { PATIENT } from "../support/waiting.ts";
import { JANE, PATH } from "../support/changes.ts";
import { startCollections } from "../support/mongodb_collections.ts";
import { hasAllRights } from "../support/rights.ts";
import { withTwoStores } from "../support/two_stores.ts";

/** Two processes over the same visitors, one of which is Jane. */
interface Processes {
  stores: VisitorStore[];
  /** Sends requests to the processes in turn. */
  ask(method: string, headers?: Record<string, string>, body?: unknown): Promise<Answered>;
}

interface Answered {
  status: number;
  tag: string;
  // deno-lint-ignore no-explicit-any -- the body of any answer
  body: any;
}

async function processesOver(stores: VisitorStore[]): Promise<Processes> {
  await stores[0].putVisitors([readVisitor({ ...JANE, metadata: { count: 0, "$ref": "x.y", "a.b": 1.5 } })!]);
  const apps = stores.map((store) => appOver(store, { REST_WRITE_KEY: "write" }, undefined, PATIENT).app);
  let asked = 0;
  return {
    stores,
    async ask(method, headers = {}, body) {
      const response = await apps[asked++ % apps.length].request(PATH, {
        method,
        headers: { Authorization: "write", ...headers },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const tag = response.headers.get("ETag") ?? "";
      return { status: response.status, tag, body: await response.json() };
    },
  };
}

/** Registers a test over each store. */
function test(sentence: string, work: (processes: Processes) => Promise<void>) {
  if (!hasAllRights) return;
  Deno.test(
    `SQLite: ${sentence}`,
    () => withTwoStores(async (stores) => await work(await processesOver(stores))),
  );
  Deno.test({
    name: `MongoDB: ${sentence}`,
    ...collections!.options,
    fn: async () => {
      await using first = await collections!.openIndexed();
      await using second = await collections!.open(first.collection.collectionName);
      await work(await processesOver([first.store, second.store]));
    },
  });
}

const collections = hasAllRights ? await startCollections() : null;

const times = <T>(count: number, work: (i: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, i) => work(i)));

test("of clients that read the same state and change it at once, one succeeds, and the others get 412", async ({ ask }) => {
  for (let round = 0; round < 3; round++) {
    const { tag } = await ask("GET");
    const answers = await times(
      20,
      (i) => ask("PATCH", { "If-Match": tag }, { name: `client ${i} of round ${round}` }),
    );
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [200, ...Array(19).fill(412)]);
    const written = answers.find(({ status }) => status === 200)!;
    assert.deepEqual((await ask("GET")).body, written.body);
    assert.equal((await ask("GET")).tag, written.tag);
  }
});

test("of concurrent changes and removals of the same state, one is done", async ({ ask, stores }) => {
  const visitor = readVisitor(JANE)!;
  for (let round = 0; round < 10; round++) {
    await stores[0].putVisitors([visitor]);
    const { tag } = await ask("GET");
    const answers = await times(10, async (i) => {
      const isRemoval = i % 4 < 2;
      const { status } = await (isRemoval
        ? ask("DELETE", { "If-Match": tag })
        : ask("PATCH", { "If-Match": tag }, { name: `client ${i}` }));
      return { isRemoval, i, status };
    });
    const done = answers.filter(({ status }) => status === 200);
    assert.equal(done.length, 1, JSON.stringify(answers));
    const [{ isRemoval, i }] = done;
    const { status, body } = await ask("GET");
    if (isRemoval) assert.equal(status, 404);
    else assert.equal(body.visitor.name, `client ${i}`);
    // Requests after the removal find no visitor.
    const others = answers.filter(({ status }) => status !== 200).map(({ status }) => status);
    assert.ok(others.every((status) => status === 412 || isRemoval && status === 404), others.join());
  }
});

test("a number that many clients increment with If-Match counts every increment", async ({ ask }) => {
  await times(8, async () => {
    while (true) {
      const { tag, body } = await ask("GET");
      const metadata = { ...body.visitor.metadata, count: body.visitor.metadata.count + 1 };
      const { status } = await ask("PATCH", { "If-Match": tag }, { metadata });
      if (status === 200) return;
      assert.equal(status, 412);
    }
  });
  assert.equal((await ask("GET")).body.visitor.metadata.count, 8);
});

test("a change with If-Match loses no page view, whether it is written or refused", async ({ ask, stores }) => {
  for (let round = 0; round < 10; round++) {
    const { tag } = await ask("GET");
    const [change] = await Promise.all([
      ask("PATCH", { "If-Match": tag }, { nickname: `round ${round}` }),
      stores[1].writePresence("process", [{
        shortId: JANE.short_id,
        isNew: false,
        change: { last_url: `https://acme.com/${round}`, name: `Name ${round}` },
      }]),
    ]);
    const { body: { visitor } } = await ask("GET");
    assert.equal(visitor.last_url, `https://acme.com/${round}`);
    assert.equal(visitor.name, `Name ${round}`);
    assert.equal(visitor.nickname === `round ${round}`, change.status === 200, `${change.status}`);
  }
});

test("a change of a hidden attribute does not change the ETag", async ({ stores }) => {
  const { app } = appOver(stores[0], { REST_WRITE_KEY: "write", HIDDEN_ATTRIBUTES: "ip_address" });
  const headers = { Authorization: "write" };
  const first = await app.request(PATH, { headers });
  await first.text();
  await stores[1].updateVisitor(JANE.short_id, { ip_address: "192.0.2.9" });
  for (const method of ["PATCH", "DELETE"]) {
    const response = await app.request(PATH, {
      method,
      headers: { ...headers, "If-Match": first.headers.get("ETag")! },
      body: method === "PATCH" ? JSON.stringify({ ip_address: undefined, name: JANE.name }) : undefined,
    });
    assert.equal(response.status, 200, await response.text());
  }
});
