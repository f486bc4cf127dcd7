/**
 * The connection to MongoDB: it connects in the background, recovers by itself, and gives each operation a time budget.
 *
 * @module
 */
import { Deadline, within } from "../../async/deadline.ts";
import { SingleFlight } from "../../async/single_flight.ts";
import { REQUEST_DEADLINE, StoreRefused, StoreUnavailable } from "../visitor_store.ts";
import { VisitorCollection } from "./collection.ts";
import {
  asStoreError,
  type Collection,
  describeError,
  isServerError,
  isUnavailable,
  makeClient,
  type MongoClient,
} from "./driver.ts";
import type { ExceptionLimits } from "./search.ts";

/** How long the database may take to answer a probe before it counts as not ready, in milliseconds. */
const PROBE_DEADLINE = 1000;

/**
 * A probe is sent after this time without a query, in milliseconds: the driver's own checks may be answered by a proxy
 * whose database is gone.
 */
const MAX_IDLE = 5000;

/** How long a command waits for the first connection, in milliseconds. */
const COMMAND_CONNECT_DEADLINE = 30_000;

/** How the store is opened. */
export interface MongoStoreOptions {
  /** A connection string; its path names the database, `foyer` where it names none. */
  uri: string;
  collection: string;
  /** `request`: operations have a request's time budget. `command`: they have none, for imports and exports. */
  use: "request" | "command";
  log: Logger;
  /** Overrides the default limits on what a search reads. */
  exceptions?: Partial<ExceptionLimits>;
}

/** Receives a sentence about the store's background work. */
export type Logger = (sentence: string, level?: "warning") => void;

/** A connection to one collection. */
export class Connection {
  readonly visitors: VisitorCollection;
  readonly description: string;
  #options: MongoStoreOptions;
  #client: MongoClient;
  #collection: Collection;
  /** Whether the first connect, with authentication, succeeded. The driver's own checks do not authenticate. */
  #hasConnected = false;
  #hasServer = false;
  /** Why the last probe failed; empty while the database answers. */
  #failure = "";
  /** When a query was last answered, or a probe last sent, in milliseconds of `performance.now`. */
  #askedAt = 0;
  #probe = new SingleFlight(() => this.#tryQuery());
  #closing = Promise.withResolvers<void>();
  #isClosed = false;
  #connected: Promise<void>;

  /** @throws {StoreRefused} the connection string cannot be used */
  constructor(options: MongoStoreOptions) {
    const { uri, collection, use } = this.#options = options;
    ({ client: this.#client, collection: this.#collection } = makeClient(uri, collection, use));
    const { srvHost, hosts, passphrase, readPreference } = this.#client.options;
    if (passphrase !== undefined) {
      // Deno's TLS cannot read an encrypted key, and Deno 2.9 would connect without the client certificate.
      throw new StoreRefused(
        "Cannot open the store: tlsCertificateKeyFilePassword needs a key without password",
      );
    }
    this.visitors = new VisitorCollection(this.#collection);
    const place = srvHost ?? hosts.join(",");
    this.description = `collection ${this.#collection.namespace} of MongoDB at ${place}`;
    const readsPrimary = readPreference.mode === "primary";
    this.#client.on("topologyDescriptionChanged", ({ newDescription }) => {
      const servers = [...newDescription.servers.values()];
      this.#hasServer = servers.some((server) => readsPrimary ? server.isWritable : server.isReadable);
    });
    this.#client.on("serverHeartbeatSucceeded", () => {
      const isIdle = use === "request" && performance.now() - this.#askedAt > MAX_IDLE;
      if (this.#failure !== "" || this.#hasConnected && isIdle) void this.#probe.joinRunning();
    });
    this.#connected = this.#connect();
  }

  /** A collection of the same database that holds no visitors. */
  collectionBeside(name: string): Collection {
    return this.#collection.db.collection(name, { readPreference: "primary" });
  }

  /** Tries until the first connect succeeds; after that the driver reconnects by itself. */
  async #connect() {
    let lastReason = "";
    while (!this.#isClosed) {
      try {
        await this.#client.connect();
        // A user without the right to list collections sends the collation with every operation.
        await this.visitors.findCollation().catch(() => {});
        this.#hasConnected = true;
        this.#askedAt = performance.now();
        if (lastReason !== "") this.#options.log("MongoDB answers");
        return;
      } catch (error) {
        const reason = describeError(error);
        if (reason !== lastReason && !this.#isClosed) {
          this.#options.log(`MongoDB does not answer yet: ${reason}`, "warning");
        }
        lastReason = reason;
        // A server that refuses a password logs each try.
        await this.pause(isServerError(error) ? 2000 : 250);
      }
    }
  }

  /** Resolves when it has connected for the first time, or is closed. */
  get connected(): Promise<void> {
    return this.#connected;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Waits for a time, or until the connection is closed. */
  async pause(milliseconds: number): Promise<void> {
    await within(milliseconds, this.#closing.promise);
  }

  /**
   * Runs work once connected. With `use: "request"` connecting and the work share one deadline, since the driver's
   * timeouts do not bound a call: a retried read may take the socket's timeout twice. With `use: "command"` only
   * connecting has one.
   *
   * @throws {StoreUnavailable} the database does not answer in time
   */
  async run<T>(work: (deadline: Deadline) => Promise<T>): Promise<T> {
    const isRequest = this.#options.use === "request";
    const deadline = new Deadline(isRequest ? REQUEST_DEADLINE : Infinity);
    try {
      const connecting = isRequest ? deadline : new Deadline(COMMAND_CONNECT_DEADLINE);
      await connecting.race(this.#connected);
      if (this.#isClosed) throw new StoreUnavailable("The store is closed");
      const result = await deadline.race(work(deadline));
      this.#askedAt = performance.now();
      return result;
    } catch (error) {
      // One failed query does not prove that the database is unavailable: a probe finds out.
      if (isUnavailable(error) && this.#hasConnected && !this.#isClosed) void this.#probe.joinRunning();
      throw asStoreError(error);
    }
  }

  /** Reads one document to see whether the database answers, and notes the result. */
  async #tryQuery(): Promise<void> {
    this.#askedAt = performance.now();
    try {
      await this.visitors.read({}, { limit: 1 }, new Deadline(PROBE_DEADLINE));
      if (this.#failure !== "") this.#options.log("MongoDB answers again");
      this.#failure = "";
    } catch (error) {
      const reason = describeError(error);
      if (reason !== this.#failure && !this.#isClosed) {
        this.#options.log(`MongoDB does not answer: ${reason}`, "warning");
      }
      this.#failure = reason;
    }
  }

  /** Whether the database answered when it was last asked. */
  isReady(): boolean {
    return this.#hasConnected && this.#hasServer && this.#failure === "";
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closing.resolve();
    await this.#client.close();
    await this.#connected;
  }
}
