/**
 * Metrics for Prometheus (https://prometheus.io/docs/practices/naming/). No label holds a path, a key or a search.
 *
 * @module
 */
import type * as Prometheus from "@platformatic/prom-client";
// Not by its index, which loads what watches clusters and the process: several megabytes, at each start.
import counterModule from "@platformatic/prom-client/lib/counter.js";
import gaugeModule from "@platformatic/prom-client/lib/gauge.js";
import histogramModule from "@platformatic/prom-client/lib/histogram.js";
import registryModule from "@platformatic/prom-client/lib/registry.js";
import denoJson from "../../deno.json" with { type: "json" };
import type { ReadSource } from "../store/shared_reads.ts";

const Counter = counterModule as unknown as typeof Prometheus.Counter;
const Gauge = gaugeModule as unknown as typeof Prometheus.Gauge;
const Histogram = histogramModule as unknown as typeof Prometheus.Histogram;
const Registry = registryModule as unknown as typeof Prometheus.Registry;

/** What became of a database operation. */
export type Outcome = "ok" | "unavailable" | "error";

/** What is counted while the process serves. */
export class Metrics {
  #registry = new Registry();

  /** Requests being answered. */
  requestsInFlight = 0;

  #requests = new Counter({
    name: "foyer_http_requests_total",
    help: "Requests answered",
    labelNames: ["method", "route", "status"],
    registers: [this.#registry],
  });

  #requestSeconds = new Histogram({
    name: "foyer_http_request_duration_seconds",
    help: "How long requests took",
    labelNames: ["method", "route"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [this.#registry],
  });

  #operations = new Counter({
    name: "foyer_database_operations_total",
    help: "Operations of the database",
    labelNames: ["operation", "outcome"],
    registers: [this.#registry],
  });

  #operationSeconds = new Histogram({
    name: "foyer_database_operation_duration_seconds",
    help: "How long operations of the database took",
    labelNames: ["operation"],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [this.#registry],
  });

  #sharedReads = new Counter({
    name: "foyer_shared_reads_total",
    help:
      "Reads, by where the result came from: the database, one that several asked for, or one that was kept",
    labelNames: ["source"],
    registers: [this.#registry],
  });

  #previousKeyUsed = new Gauge({
    name: "foyer_rest_key_previous_last_used_timestamp_seconds",
    help: "When REST_KEY_PREVIOUS was last used, in seconds since 1970; 0: not since the start",
    registers: [this.#registry],
  });

  #messages = new Counter({
    name: "foyer_presence_messages_total",
    help: "Messages of pages, by what came of them",
    labelNames: ["type", "outcome"],
    registers: [this.#registry],
  });

  constructor() {
    const inFlight = () => this.requestsInFlight;
    new Gauge({
      name: "foyer_http_requests_in_flight",
      help: "Requests being answered",
      registers: [this.#registry],
      collect() {
        this.set(inFlight());
      },
    });
    const startedAt = Date.now() / 1000;
    new Gauge({
      name: "foyer_process_start_time_seconds",
      help: "When the process started, in seconds since 1970",
      registers: [this.#registry],
    }).set(startedAt);
    new Gauge({
      name: "foyer_process_resident_memory_bytes",
      help: "Memory of the process",
      registers: [this.#registry],
      collect() {
        this.set(Deno.memoryUsage().rss);
      },
    });
    new Gauge({
      name: "foyer_process_heap_bytes",
      help: "Memory that JavaScript uses",
      registers: [this.#registry],
      collect() {
        this.set(Deno.memoryUsage().heapUsed);
      },
    });
    new Gauge({
      name: "foyer_build_info",
      help: "What runs, always 1",
      labelNames: ["version", "deno"],
      registers: [this.#registry],
    }).set({ version: denoJson.version, deno: Deno.version.deno }, 1);
  }

  /** Of each kind of request what counts it: to look that up by its labels takes longer than to count. */
  #requestsOf = new Map<string, [Prometheus.Counter.Internal, Prometheus.Histogram.Internal<string>]>();

  /** @param route its pattern, never the path */
  countRequest(method: string, route: string, status: number, milliseconds: number) {
    const kind = `${method} ${route} ${status}`;
    let found = this.#requestsOf.get(kind);
    if (found === undefined) {
      found = [
        this.#requests.labels({ method, route, status }),
        this.#requestSeconds.labels({ method, route }),
      ];
      this.#requestsOf.set(kind, found);
    }
    const [count, seconds] = found;
    count.inc();
    seconds.observe(milliseconds / 1000);
  }

  countOperation(operation: string, outcome: Outcome, milliseconds: number) {
    this.#operations.inc({ operation, outcome });
    this.#operationSeconds.observe({ operation }, milliseconds / 1000);
  }

  countRead(source: ReadSource) {
    this.#sharedReads.inc({ source });
  }

  notePreviousKey() {
    this.#previousKeyUsed.set(Date.now() / 1000);
  }

  /**
   * Tells of the database when metrics are asked for.
   *
   * @param isUp as last heard
   * @param countOnline the visitors online now; `null` where nobody can tell
   */
  watchDatabase(isUp: () => boolean, countOnline: () => Promise<number | null>) {
    new Gauge({
      name: "foyer_database_up",
      help: "Whether the database answers",
      registers: [this.#registry],
      collect() {
        this.set(Number(isUp()));
      },
    });
    new Gauge({
      name: "foyer_visitors_online",
      help: "Visitors online now; NaN while the database does not answer",
      registers: [this.#registry],
      async collect() {
        // Asking a database that is away would hold up all the other metrics.
        this.set(isUp() ? await countOnline() ?? NaN : NaN);
      },
    });
  }

  /**
   * Counts documents without search fields whenever metrics are asked for.
   *
   * @param isUp whether the database answered last
   * @param countUnindexed `null` where the database does not answer
   */
  watchUnindexed(isUp: () => boolean, countUnindexed: () => Promise<number | null>) {
    new Gauge({
      name: "foyer_unindexed_visitors",
      help:
        "Documents without search fields, which wait for foyer reindex; NaN while the database does not answer",
      registers: [this.#registry],
      async collect() {
        this.set(isUp() ? await countUnindexed() ?? NaN : NaN);
      },
    });
  }

  /** @param type of those that there are, never what a page sent instead */
  countMessage(type: string, outcome: string) {
    this.#messages.inc({ type, outcome });
  }

  /** Tells of the pages and visitors connected to this process. */
  watchPresence(connections: { size: number }, visitors: { size: number; waiting: number }) {
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        registers: [this.#registry],
        collect() {
          this.set(value());
        },
      });
    gauge("foyer_presence_connections", "Pages connected to this process", () => connections.size);
    gauge("foyer_presence_visitors", "Visitors of these pages, and who left just now", () => visitors.size);
    gauge("foyer_presence_waiting", "Visitors that wait to be written", () => visitors.waiting);
  }

  /** All of it in Prometheus' text format. */
  async text(): Promise<{ contentType: string; body: string }> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }
}
