/**
 * Counters, gauges and histograms in Prometheus' text format
 * (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format).
 *
 * @module
 */

/** The `Content-Type` of the format. */
export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The labels of a sample: name to value. */
export type Labels = Record<string, string | number>;

/** A counter with one set of labels. */
export interface Count {
  value: number;
}

/** A histogram with one set of labels. */
export interface Distribution {
  observe(value: number): void;
}

/** All samples of one metric name; the lines are made when the metrics are scraped. */
interface Family {
  lines(): string[] | Promise<string[]>;
}

/**
 * The metrics of one endpoint.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const registry = new Registry();
 * const requests = registry.counter("requests_total", "Requests answered");
 * requests({ status: 200 }).value++;
 * assert.equal(
 *   await registry.text(),
 *   '# HELP requests_total Requests answered\n# TYPE requests_total counter\nrequests_total{status="200"} 1\n',
 * );
 * ```
 */
export class Registry {
  #families: Family[] = [];

  /**
   * Adds a counter.
   *
   * @returns a function that returns the counter for a set of labels, for the caller to increment
   */
  counter(name: string, help: string): (labels: Labels) => Count {
    const counts = new Map<string, Count>();
    this.#add(
      name,
      help,
      "counter",
      () => [...counts].map(([labels, { value }]) => sample(name, labels, value)),
    );
    return (labels) => getOrMake(counts, format(labels), () => ({ value: 0 }));
  }

  /**
   * Adds a gauge.
   *
   * @param read returns the value; called at each scrape; `NaN` if unknown
   */
  gauge(name: string, help: string, read: () => number | Promise<number>, labels: Labels = {}) {
    this.#add(name, help, "gauge", async () => [sample(name, format(labels), await read())]);
  }

  /**
   * Adds a histogram.
   *
   * @param bounds the upper bounds of the buckets, ascending
   * @returns a function that returns the histogram for a set of labels
   */
  histogram(name: string, help: string, bounds: number[]): (labels: Labels) => Distribution {
    const distributions = new Map<string, Buckets>();
    this.#add(
      name,
      help,
      "histogram",
      () => [...distributions].flatMap(([labels, distribution]) => distribution.lines(name, labels)),
    );
    return (labels) => getOrMake(distributions, format(labels), () => new Buckets(bounds));
  }

  #add(name: string, help: string, type: string, lines: Family["lines"]) {
    const head = [`# HELP ${name} ${escape(help)}`, `# TYPE ${name} ${type}`];
    this.#families.push({ lines: async () => [...head, ...await lines()] });
  }

  /** Formats all metrics. */
  async text(): Promise<string> {
    const lines = await Promise.all(this.#families.map((family) => family.lines()));
    return `${lines.flat().join("\n")}\n`;
  }
}

/** The buckets of one histogram. */
class Buckets implements Distribution {
  #bounds: number[];
  /** The number of values between each bound and the one before; the last entry counts values above all bounds. */
  #counts: number[];
  #sum = 0;

  constructor(bounds: number[]) {
    this.#bounds = bounds;
    this.#counts = Array(bounds.length + 1).fill(0);
  }

  observe(value: number) {
    const index = this.#bounds.findIndex((bound) => value <= bound);
    this.#counts[index === -1 ? this.#bounds.length : index]++;
    this.#sum += value;
  }

  lines(name: string, labels: string): string[] {
    const prefix = labels === "" ? "" : `${labels},`;
    let count = 0;
    const buckets = [...this.#bounds, Infinity].map((bound, i) => {
      count += this.#counts[i];
      return sample(`${name}_bucket`, `${prefix}le="${numberText(bound)}"`, count);
    });
    return [...buckets, sample(`${name}_sum`, labels, this.#sum), sample(`${name}_count`, labels, count)];
  }
}

function getOrMake<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, value = make());
  return value;
}

function sample(name: string, labels: string, value: number): string {
  return `${name}${labels === "" ? "" : `{${labels}}`} ${numberText(value)}`;
}

function format(labels: Labels): string {
  return Object.entries(labels).map(([name, value]) =>
    `${name}="${escape(String(value)).replaceAll('"', '\\"')}"`
  ).join(",");
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function numberText(value: number): string {
  if (Math.abs(value) === Infinity) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
}
