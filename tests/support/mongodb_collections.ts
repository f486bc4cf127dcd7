/**
 * Collections of a MongoDB server, each with a store over it.
 *
 * @module
 */
import type { Collection } from "mongodb";
import type { ExceptionLimits } from "../../src/store/mongodb/search.ts";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { startMongo } from "./mongodb.ts";

/** A collection, and a store over it. */
export interface OpenedCollection extends AsyncDisposable {
  store: VisitorStore;
  /** The sentences that the store has logged. */
  log: string[];
  collection: Collection;
}

/**
 * Opens a database for a test file, in which each test has a collection of its own. It is dropped after the tests.
 *
 * @param exceptions limits on what a search reads, instead of the usual ones
 */
export async function startCollections(exceptions?: Partial<ExceptionLimits>) {
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
  const open = (name = `visitors${collections++}`): Promise<OpenedCollection> => {
    const log: string[] = [];
    const store = openMongoStore({
      uri: mongo.uri,
      collection: name,
      use: "command",
      log: (sentence) => log.push(sentence),
      exceptions,
    });
    return Promise.resolve({
      store,
      log,
      collection: database.collection(name),
      [Symbol.asyncDispose]: () => store.close(),
    });
  };

  /** Opens a collection, and waits until all indexes are built. */
  const openIndexed = async () => {
    const opened = await open();
    await opened.store.reindex(() => {});
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

/** Adds documents without search fields that match nothing; by default so many that a search falls back to a scan. */
export async function addUnindexed(collection: Collection, count = 501) {
  await collection.insertMany(Array.from({ length: count }, () => ({})));
}
