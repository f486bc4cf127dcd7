/**
 * The operations on a collection of visitors: each has a deadline, and compares strings by their bytes.
 *
 * @module
 */
import type { Deadline } from "../../async/deadline.ts";
import { type Projection, type ReadDocument, type StoredDocument, WHOLE } from "./document.ts";
import { DocumentCache } from "./document_cache.ts";
import {
  type AnyBulkWriteOperation,
  type Collection,
  type Condition,
  SIMPLE_COLLATION,
  writeBulk,
  type Written,
} from "./driver.ts";

/** The most documents in one batch of a cursor. */
const MAX_BATCH = 5000;

/** The order and the number of the documents that are read; no limit by default. */
export interface ReadOptions {
  sort?: Record<string, 1 | -1>;
  limit?: number;
}

/** A collection, or a view, of visitors. */
export class VisitorCollection {
  /** For reads by the connection string's read preference. */
  #collection: Collection;
  /** For writes, and for reads that a write depends on: a secondary may be behind. */
  #primary: Collection;
  #cache = new DocumentCache();
  /**
   * Sent unless the collection is known to have no collation of its own: a view refuses a collation that is not its own,
   * and not every compatible server knows the simple collation.
   */
  #collation: { collation?: typeof SIMPLE_COLLATION } = { collation: SIMPLE_COLLATION };

  constructor(collection: Collection) {
    this.#collection = collection;
    this.#primary = collection.db.collection(collection.collectionName, { readPreference: "primary" });
  }

  /** The collection's name within the database. */
  get name(): string {
    return this.#collection.collectionName;
  }

  /** The option that makes an operation, or an index, compare strings by their bytes. */
  get collation(): { collation?: typeof SIMPLE_COLLATION } {
    return { ...this.#collation };
  }

  /** Finds out whether the collection has a collation of its own; needs the right to list collections. */
  async findCollation(): Promise<void> {
    const [found] = await this.#collection.db.listCollections({ name: this.name }).toArray();
    const hasCollation = found !== undefined && "options" in found && found.options?.collation !== undefined;
    this.#collation = hasCollation ? { collation: SIMPLE_COLLATION } : {};
  }

  /** Whether the collection exists. */
  async exists(): Promise<boolean> {
    const options = { nameOnly: true, authorizedCollections: true };
    return (await this.#collection.db.listCollections({ name: this.name }, options).toArray()).length > 0;
  }

  /** Reads whole documents. */
  async read(
    condition: Condition,
    { sort, limit = 0 }: ReadOptions,
    deadline: Deadline,
  ): Promise<ReadDocument[]> {
    const cursor = this.#collection.find<Uint8Array>(condition, {
      ...(sort === undefined ? {} : { sort }),
      limit,
      projection: WHOLE,
      raw: true,
      // One reply is enough for up to MAX_BATCH documents.
      batchSize: Math.min(limit || MAX_BATCH, MAX_BATCH),
      ...this.#optionsOf(deadline),
    });
    try {
      return (await deadline.race(cursor.toArray())).map((bytes) => this.#cache.read(bytes));
    } finally {
      // Not awaited: an error of closing tells no more than the read's own error.
      cursor.close().catch(() => {});
    }
  }

  /** The distinct values of `last_url` of visitors online, by `$group`, since a reply to `distinct` is limited to 16 MB. */
  async urlsOfOnline(deadline: Deadline): Promise<unknown[]> {
    const pipeline = [{ $match: { is_online: true } }, { $group: { _id: "$last_url" } }];
    const cursor = this.#collection.aggregate(pipeline, {
      batchSize: MAX_BATCH,
      ...this.#optionsOf(deadline),
    });
    return (await deadline.race(cursor.toArray())).map(({ _id }) => _id);
  }

  /** The distinct values of a field, from the primary. They must fit into one reply of 16 MB. */
  async distinct(field: string, deadline: Deadline): Promise<unknown[]> {
    return await deadline.race(this.#primary.distinct(field, {}, this.#optionsOf(deadline)));
  }

  /** Counts documents. */
  async count(condition: Condition, deadline: Deadline): Promise<number> {
    return await deadline.race(this.#collection.countDocuments(condition, this.#optionsOf(deadline)));
  }

  /** About how many documents there are. */
  async estimateCount(deadline: Deadline): Promise<number> {
    return await deadline.race(this.#collection.estimatedDocumentCount(timeLimitOf(deadline)));
  }

  /** Reads all documents that fulfil a condition from the primary, and yields them in batches. */
  async *batches(
    condition: Condition,
    projection: Projection,
    deadline: Deadline,
    sort: Record<string, 1> = {},
  ): AsyncGenerator<StoredDocument[]> {
    const options = { projection, sort, batchSize: MAX_BATCH, ...this.#optionsOf(deadline) };
    const cursor = this.#primary.find(condition, options);
    try {
      while (await deadline.race(cursor.hasNext())) yield cursor.readBufferedDocuments();
    } finally {
      cursor.close().catch(() => {});
    }
  }

  /** Reads documents that a write depends on, from the primary. */
  async readForWrite(
    condition: Condition,
    projection: Projection,
    deadline: Deadline,
    limit = 0,
  ): Promise<StoredDocument[]> {
    const options = { projection, limit, batchSize: MAX_BATCH, ...this.#optionsOf(deadline) };
    return await deadline.race(this.#primary.find(condition, options).toArray());
  }

  /** Writes in no particular order; see {@link writeBulk}. */
  async write(operations: AnyBulkWriteOperation[], deadline: Deadline): Promise<Written> {
    for (const operation of operations) {
      if ("updateOne" in operation) Object.assign(operation.updateOne, this.#collation);
    }
    // Work whose time is over must not start.
    void deadline.left;
    return await deadline.race(writeBulk(this.#primary, operations));
  }

  /** Removes the documents that fulfil a condition, and returns how many were removed. */
  async remove(condition: Condition, deadline: Deadline): Promise<number> {
    void deadline.left;
    return (await deadline.race(this.#primary.deleteMany(condition, this.collation))).deletedCount;
  }

  #optionsOf(deadline: Deadline) {
    return { ...this.#collation, ...timeLimitOf(deadline) };
  }
}

/** The option that makes the server end an operation at the deadline, since nobody waits for the answer after it. */
function timeLimitOf(deadline: Deadline): { maxTimeMS?: number } {
  const { left } = deadline;
  return left === Infinity ? {} : { maxTimeMS: left };
}
