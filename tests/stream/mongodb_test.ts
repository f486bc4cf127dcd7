import assert from "node:assert/strict";
import { LATEST, parseSearch } from "../../src/search/parse.ts";
import { startCollections } from "../support/mongodb_collections.ts";
import { hasAllRights } from "../support/rights.ts";
import { streamingOver } from "../support/streams.ts";
import { testStreamContract } from "./contract.ts";

// Importing the driver reads the environment, for which plain `deno test` has no permission.
if (hasAllRights) {
  const { openMongoStore } = await import("../../src/store/mongodb/store.ts");
  const { startWireProxy } = await import("../support/wire.ts");
  const { mongo, open, openIndexed, options } = await startCollections();

  testStreamContract("MongoDB", () => openIndexed(), options);

  Deno.test("MongoDB: streams follow documents that other software wrote", options, async () => {
    await using opened = await openIndexed();
    const { collection } = opened;
    await using app = streamingOver(opened.store);
    await collection.insertMany([
      { short_id: "date", is_online: true, last_seen_at: new Date("2026-01-01T12:00:00Z") },
      { short_id: "text", is_online: true, last_seen_at: "2026-01-02T12:00:00Z", name: 7 },
      { short_id: "twice", is_online: true, last_seen_at: new Date("2026-01-01T11:00:00Z"), name: "first" },
      { short_id: "twice", is_online: true, last_seen_at: new Date("2026-01-01T10:00:00Z"), name: "second" },
      { is_online: true },
    ]);
    const client = await app.stream("?q=online");
    // Visitors whose `last_seen_at` is a string are last in lists. A client cannot see why, so it is sent whole lists.
    const received = () =>
      (client.dataOf("list").at(-1)?.visitors ?? []) as { short_id: string; name: string }[];
    const shown = () => received().map(({ short_id, name }) => `${short_id} ${name}`).join();
    await app.until(() => shown() === "date null,twice first,text 7");
    await collection.updateOne({ name: "first" }, { $set: { name: "changed" } });
    await app.until(() => shown() === "date null,twice changed,text 7");
    await collection.deleteOne({ name: "changed" });
    await app.until(() => shown() === "date null,twice second,text 7");
    await collection.deleteOne({ short_id: "text" });
    await app.until(() => shown() === "date null,twice second" || client.visitors.size === 2);
    assert.equal(await app.change("twice", { name: "third" }), 200);
    await app.until(() => client.visitors.get("twice")?.name === "third");
  });

  const QUERIES = ["", "#vip", "id:user-1", "-online #vip"];

  Deno.test("MongoDB: forty streams of four lists read each list once a second", options, async () => {
    await using made = await open("followed");
    await made.store.reindex(() => {});
    await using proxy = startWireProxy(mongo.uri);
    const store = openMongoStore({ uri: proxy.uri, collection: "followed", use: "request", log: () => {} });
    try {
      await using app = streamingOver(store);
      const visitor = { short_id: "a", is_online: true, tags: ["#vip"], unique_id: "user-1" };
      await app.put(visitor);

      const commandsOf = async (ask: () => Promise<unknown>) => {
        const before = proxy.commands.length;
        await ask();
        return proxy.commands.length - before;
      };
      let once = await commandsOf(() => Promise.all([store.countOnline(), store.countWaiting()]));
      for (const q of QUERIES) {
        const query = q === "" ? LATEST : parseSearch(q);
        once += await commandsOf(() => store.findVisitors(query, 100, null));
      }
      const clients = await Promise.all(
        QUERIES.flatMap((q) =>
          Array.from({ length: 10 }, () => app.stream(`?${new URLSearchParams({ q })}`))
        ),
      );
      await Promise.all(clients.map((client) => client.untilStarted()));

      const seconds = 10;
      const asked = await commandsOf(async () => {
        for (let step = 0; step < seconds * 20; step++) {
          app.clock.skip(50);
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
      });
      assert.ok(
        asked <= seconds * once,
        `${asked} commands in ${seconds} seconds, ${once} for each list and count`,
      );
      assert.ok(asked > once, `${asked} commands`);
      await made.store.putVisitors((await made.store.getVisitors(["a"])).map((found) => ({
        ...found!.visitor,
        name: "Ada",
      })));
      await app.until(() =>
        clients.filter(({ visitors }) => visitors.get("a")?.name === "Ada").length === 30
      );
    } finally {
      await store.close();
    }
  });
}
