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
  /** What the store has logged. */
  log: string[];
  collection: Collection;
}

/**
 * Opens a database for a file of tests, each of which has a collection of its own; it ends with them.
 *
 * @param exceptions other limits than usual on what a search reads
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

  /** With all indexes made. */
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

/** Adds documents without search fields, which are no visitors: as a rule so many that a search scans all in order. */
export async function addUnindexed(collection: Collection, count = 501) {
  await collection.insertMany(Array.from({ length: count }, () => ({})));
}
