/**
 * The first query of a database that has come, or come back.
 *
 * @module
 */
import { Deadline } from "../../async/deadline.ts";
import { makeClient, type MongoClient } from "./driver.ts";
import { SingleFlight } from "../../async/single_flight.ts";

/** How long the others wait for it, in milliseconds: a database that takes longer will tell them so itself. */
const LONGEST = 60_000;

/**
 * Has a database that has just come answer one query that may take its time, before those that may not. An engine that
 * has started may load a collection with the first one, and load it anew for each that comes meanwhile or was given up:
 * SecantusDB's Rust server took 8 s for 100,000 visitors where one query asked for them, and 47 s where many did.
 */
export class Awakening {
  #query: SingleFlight<void>;
  #last: Promise<void> = Promise.resolve();

  /**
   * @param client tells when the database comes
   * @param uri a connection of its own is made with this, since that of requests gives up too soon
   * @param connected resolves when the client has connected for the first time: whose password is refused asks nothing
   * @param closing settles when nobody asks any more
   */
  constructor(
    client: MongoClient,
    uri: string,
    collectionName: string,
    { connected, closing }: { connected: Promise<void>; closing: Promise<void> },
  ) {
    this.#query = new SingleFlight(async () => {
      await connected;
      const { client, collection } = makeClient(uri, collectionName, false);
      try {
        const answer = collection.findOne({}, { projection: { _id: 1 } });
        await Promise.race([new Deadline(LONGEST).race(answer), closing]);
      } catch {
        // Whoever asks next is told.
      } finally {
        await client.close();
      }
    });
    client.on("serverDescriptionChanged", ({ previousDescription, newDescription }) => {
      const hasCome = previousDescription.type === "Unknown" && newDescription.type !== "Unknown";
      if (hasCome) this.#last = this.#query.run();
    });
  }

  /** Whether no such query is under way. */
  get isOver(): boolean {
    return this.#query.isIdle;
  }

  /** Resolves when the last one is over, whatever came of it. */
  get over(): Promise<void> {
    return this.#last;
  }
}
