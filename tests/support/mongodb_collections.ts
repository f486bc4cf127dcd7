/**
 * Collections of a MongoDB server, each with a store over it.
 *
 * @module
 */
import type { Collection } from "mongodb";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { startMongo } from "./mongodb.ts";

/** A collection, and a store over it. */
export interface OpenedCollection extends AsyncDisposable {
  store: VisitorStore;
  /** What the store has told. */
  log: string[];
  collection: Collection;
}

/** Starts one server for a file of tests, each of which has a collection of its own; it ends with them. */
export async function startCollections() {
  const { MongoClient } = await import("mongodb");
  const { openMongoStore } = await import("../../src/store/mongodb/store.ts");
  const mongo = await startMongo();
  const client = new MongoClient(mongo.uri);
  const database = client.db();
  Deno.test.afterAll(async () => {
    await client.close();
    await mongo[Symbol.asyncDispose]();
  });

  let collections = 0;
  const open = (name = `visitors${collections++}`, isSimple?: boolean): Promise<OpenedCollection> => {
    const log: string[] = [];
    const store = openMongoStore({
      uri: mongo.uri,
      collection: name,
      use: "command",
      log: (sentence) => log.push(sentence),
      isSimple,
    });
    return Promise.resolve({
      store,
      log,
      collection: database.collection(name),
      [Symbol.asyncDispose]: () => store.close(),
    });
  };

  /** With all indexes made: SecantusDB hangs where two connections make a collection at once, such as the store's and a test's. */
  const openIndexed = async (isSimple?: boolean) => {
    const opened = await open(undefined, isSimple);
    while (opened.log.length < 11) await new Promise((resolve) => setTimeout(resolve, 20));
    return opened;
  };

  const options = { sanitizeOps: false, sanitizeResources: false };
  const test = (sentence: string, work: (opened: OpenedCollection) => Promise<void>) =>
    Deno.test({
      name: `MongoDB: ${sentence}`,
      ...options,
      fn: async () => {
        await using opened = await openIndexed();
        await work(opened);
      },
    });

  return { database, mongo, open, openIndexed, options, test };
}

/** Adds documents that are no visitors: so many that a search does not walk through all, but uses search keys. */
export async function addNoVisitors(collection: Collection) {
  await collection.insertMany(Array.from({ length: 601 }, () => ({ foyer: { v: 3, keys: [] } })));
}
