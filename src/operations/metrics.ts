/**
 * Metrics for Prometheus (https://prometheus.io/docs/practices/naming/). No label holds a path, a key or a search.
 *
 * @module
 */
import denoJson from "../../deno.json" with { type: "json" };
import type { ReadSource } from "../store/shared_reads.ts";
import { CONTENT_TYPE, type Count, type Distribution, Registry } from "./exposition.ts";

/** The outcome of a database operation. */
export type Outcome = "ok" | "unavailable" | "error";

/** The metrics of a serving process. */
export class Metrics {
  #registry = new Registry();

  /** Requests being answered. */
  requestsInFlight = 0;

  /** When `REST_KEY_PREVIOUS` was last used, in seconds since 1970. */
  #previousKeyUsed = 0;

  #requests = this.#registry.counter("foyer_http_requests_total", "Requests answered");

  #requestSeconds = this.#registry.histogram(
    "foyer_http_request_duration_seconds",
    "Duration of requests in seconds",
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  );

  #operations = this.#registry.counter("foyer_database_operations_total", "Database operations");

  #operationSeconds = this.#registry.histogram(
    "foyer_database_operation_duration_seconds",
    "Duration of database operations in seconds",
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  );

  #sharedReads = this.#registry.counter(
    "foyer_shared_reads_total",
    "Reads by the source of the result: the database, a query of several requests, or the cache",
  );

  #messages = this.#registry.counter("foyer_presence_messages_total", "Messages of web pages, by outcome");

  #polls = this.#registry.counter("foyer_stream_polls_total", "Lists read for streams")({});

  constructor() {
    const gauge = this.#registry.gauge.bind(this.#registry);
    const startedAt = Date.now() / 1000;
    gauge(
      "foyer_rest_key_previous_last_used_timestamp_seconds",
      "When REST_KEY_PREVIOUS was last used, in seconds since 1970; 0: not since the start",
      () => this.#previousKeyUsed,
    );
    gauge("foyer_http_requests_in_flight", "Requests being answered", () => this.requestsInFlight);
    gauge(
      "foyer_process_start_time_seconds",
      "When the process started, in seconds since 1970",
      () => startedAt,
    );
    gauge(
      "foyer_process_resident_memory_bytes",
      "Resident memory of the process",
      () => Deno.memoryUsage().rss,
    );
    gauge(
      "foyer_process_heap_bytes",
      "Used memory of the JavaScript heap",
      () => Deno.memoryUsage().heapUsed,
    );
    gauge("foyer_build_info", "The running versions of Foyer and Deno as labels; always 1", () => 1, {
      version: denoJson.version,
      deno: Deno.version.deno,
    });
  }

  /** Caches the metrics of each kind of request, since finding them by their labels takes longer than counting. */
  #requestsOf = new Map<string, [Count, Distribution]>();

  /** @param route the route's pattern, never the request's path */
  countRequest(method: string, route: string, status: number, milliseconds: number) {
    const kind = `${method} ${route} ${status}`;
    let found = this.#requestsOf.get(kind);
    if (found === undefined) {
      found = [this.#requests({ method, route, status }), this.#requestSeconds({ method, route })];
      this.#requestsOf.set(kind, found);
    }
    const [count, seconds] = found;
    count.value++;
    seconds.observe(milliseconds / 1000);
  }

  /** Counts and times a database operation. */
  countOperation(operation: string, outcome: Outcome, milliseconds: number) {
    this.#operations({ operation, outcome }).value++;
    this.#operationSeconds({ operation }).observe(milliseconds / 1000);
  }

  /** Counts a read of a list, by the source of the result. */
  countRead(source: ReadSource) {
    this.#sharedReads({ source }).value++;
  }

  /** Records that `REST_KEY_PREVIOUS` is used now. */
  notePreviousKey() {
    this.#previousKeyUsed = Date.now() / 1000;
  }

  /**
   * Adds metrics of the database.
   *
   * @param isUp whether the database answered the last operation
   * @param counts count the visitors online, and those who wait for a call; `null` if the database does not answer
   */
  watchDatabase(isUp: () => boolean, counts: Record<"online" | "waiting", () => Promise<number | null>>) {
    const gauge = this.#registry.gauge.bind(this.#registry);
    gauge("foyer_database_up", "Whether the database answers", () => Number(isUp()));
    gauge(
      "foyer_visitors_online",
      "Visitors online now; NaN while the database does not answer",
      countWhileUp(isUp, counts.online),
    );
    gauge(
      "foyer_visitors_waiting",
      "Visitors online who wait for a call; NaN while the database does not answer",
      countWhileUp(isUp, counts.waiting),
    );
  }

  /**
   * Adds the number of documents without search fields.
   *
   * @param isUp whether the database answered the last operation
   * @param countUnindexed `null` if the database does not answer
   */
  watchUnindexed(isUp: () => boolean, countUnindexed: () => Promise<number | null>) {
    this.#registry.gauge(
      "foyer_unindexed_visitors",
      "Documents without search fields, which wait for foyer reindex; NaN while the database does not answer",
      countWhileUp(isUp, countUnindexed),
    );
  }

  /** @param type a message type of the protocol, never any other text that a web page sent */
  countMessage(type: string, outcome: string) {
    this.#messages({ type, outcome }).value++;
  }

  /** Adds metrics of the web pages and visitors that are connected to this process. */
  watchPresence(connections: { size: number }, visitors: { size: number; waiting: number }) {
    const gauge = this.#registry.gauge.bind(this.#registry);
    gauge("foyer_presence_connections", "Web pages connected to this process", () => connections.size);
    gauge(
      "foyer_presence_visitors",
      "Visitors connected to this process, or whose leaving is not written yet",
      () => visitors.size,
    );
    gauge("foyer_presence_waiting", "Visitors whose changes are not written yet", () => visitors.waiting);
  }

  /** Counts a read of a list for streams. */
  countPoll() {
    this.#polls.value++;
  }

  /** Adds metrics of the streams of lists. */
  watchStreams(streams: { size: number }, lists: { size: number }) {
    const gauge = this.#registry.gauge.bind(this.#registry);
    gauge("foyer_streams_open", "Streams of lists that are open", () => streams.size);
    gauge("foyer_stream_lists", "Different lists that these streams follow", () => lists.size);
  }

  /** Formats all metrics in Prometheus' text format. */
  async text(): Promise<{ contentType: string; body: string }> {
    return { contentType: CONTENT_TYPE, body: await this.#registry.text() };
  }
}

/** Counts only while the database answers: waiting for it would delay all the other metrics. */
function countWhileUp(isUp: () => boolean, count: () => Promise<number | null>) {
  return async () => isUp() ? await count() ?? NaN : NaN;
}
