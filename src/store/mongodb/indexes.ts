/**
 * The indexes that the queries need, made in the background.
 *
 * @module
 */
import { OPERATOR_NAMES, operatorOf } from "../../search/operators.ts";
import type { Connection, MongoStoreOptions } from "./connection.ts";
import {
  type Collection,
  describeError,
  isForbidden,
  isOnView,
  isUnavailable,
  makeClient,
} from "./driver.ts";
import { CLAIM_END } from "./document.ts";
import { CONNECTIONS } from "./presence.ts";

interface Index {
  key: Record<string, 1 | -1>;
  /** Whether the index leaves out documents without the field: nearly all of them do not have it. */
  sparse?: true;
}

/** The attributes that operators compare literally, without index keys. */
const LITERAL_ATTRIBUTES = new Set(
  OPERATOR_NAMES.map(operatorOf).filter(({ isLiteral }) => isLiteral).flatMap(({ attributes }) => attributes),
);

/** The index on `short_id` is made first, since without it each upsert would scan the collection. */
const INDEXES: Index[] = [
  { key: { short_id: 1 } },
  { key: { is_online: 1, last_seen_at: -1, short_id: 1 } },
  { key: { is_online: 1, last_url: 1 } },
  { key: { last_seen_at: -1 } },
  ...Array.from(LITERAL_ATTRIBUTES, (name): Index => ({ key: { [name]: 1 } })),
  { key: { lookup_code: 1 } },
  { key: { is_in_session: 1 } },
  { key: { is_waiting_for_call: 1, is_online: 1, is_in_session: 1 } },
  { key: { "foyer.keys": 1 } },
  { key: { "foyer.common": 1, is_online: 1, last_seen_at: -1, short_id: 1 } },
  { key: { "foyer.v": 1 } },
  { key: { "is_online.0": 1 }, sparse: true },
  { key: { [CONNECTIONS]: 1 }, sparse: true },
  { key: { [CLAIM_END]: 1 }, sparse: true },
];

/** The number of indexes that Foyer makes. */
export const INDEX_COUNT = INDEXES.length;

/** Makes the missing indexes of a collection. */
export class IndexMaker {
  #options: MongoStoreOptions;
  #connection: Connection;
  #shortId = Promise.withResolvers<void>();
  #all: Promise<void>;
  #isOnView = false;

  constructor(options: MongoStoreOptions, connection: Connection) {
    this.#options = options;
    this.#connection = connection;
    this.#all = this.#run();
  }

  /** Resolves when the index on `short_id` exists or cannot be made. */
  get hasShortId(): Promise<void> {
    return this.#shortId.promise;
  }

  /** Resolves when all indexes exist, when they cannot be made, or when the connection is closed. */
  get areMade(): Promise<void> {
    return this.#all;
  }

  /** Whether the collection is known to be a view; views are read-only. */
  get isOnView(): boolean {
    return this.#isOnView;
  }

  async #run() {
    const { uri, collection: name, log } = this.#options;
    await this.#connection.connected;
    for (let isDone = false; !isDone && !this.#connection.isClosed;) {
      // A separate client, since making an index can take longer than the request client's timeouts. A new one for each
      // try, since a client whose connect failed cannot be used again.
      const { client, collection } = makeClient(uri, name, "command");
      try {
        isDone = await this.#makeMissing(collection);
      } catch (error) {
        isDone = isForbidden(error) || !isUnavailable(error);
        this.#isOnView = isOnView(error);
        if (isDone) {
          log(
            `Cannot make every index on ${collection.namespace} (${
              describeError(error)
            }): answers are complete, ` +
              "but slower",
            "warning",
          );
        }
      } finally {
        await client.close();
      }
      if (!isDone) await this.#connection.pause(1000);
    }
    this.#shortId.resolve();
  }

  /**
   * Makes the missing indexes.
   *
   * @returns whether all exist. `false` for a server whose collection does not exist yet: the server must not create it,
   * since the operator may be about to create a view of that name. A command creates the collection.
   */
  async #makeMissing(collection: Collection): Promise<boolean> {
    const { visitors } = this.#connection;
    const exists = await visitors.exists();
    if (!exists && this.#options.use === "request") return false;
    await visitors.findCollation().catch(() => {});
    const existing = exists ? await shapesOf(collection) : null;
    for (const { key, sparse } of INDEXES) {
      if (this.#connection.isClosed) break;
      const shape = JSON.stringify(key);
      if (!existing?.has(shape)) {
        const name = `foyer_${Object.keys(key).join("_")}`;
        await collection.createIndex(key, {
          name,
          ...visitors.collation,
          ...(sparse ? { sparse } : {}),
        });
        this.#options.log(`Made the index ${shape} on ${collection.namespace}`);
      }
      if (key === INDEXES[0].key) this.#shortId.resolve();
    }
    return true;
  }
}

/** The JSON of the keys of those existing indexes that Foyer's queries can use. */
async function shapesOf(collection: Collection): Promise<Set<string>> {
  const indexes = await collection.indexes();
  const isUsable = ({ collation, partialFilterExpression }: (typeof indexes)[number]) =>
    (collation === undefined || collation.locale === "simple") && partialFilterExpression === undefined;
  return new Set(indexes.filter(isUsable).map(({ key }) => JSON.stringify(key)));
}
