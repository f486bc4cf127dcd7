import assert from "node:assert/strict";
import { Registry } from "../../src/operations/exposition.ts";

Deno.test("Counters, gauges and histograms are written in Prometheus' text format", async () => {
  const registry = new Registry();
  const requests = registry.counter("requests_total", "Requests\nof \\ all");
  registry.gauge("unknown", "Nobody knows", () => Promise.resolve(NaN));
  registry.gauge("endless", "Without an end", () => -Infinity, { version: "1" });
  const seconds = registry.histogram("seconds", "How long", [0.1, 1]);
  requests({ route: 'a"b\\c\nd', status: 200 }).value += 2;
  requests({ route: 'a"b\\c\nd', status: 200 }).value++;
  requests({ route: "x", status: 404 }).value++;
  for (const value of [0.05, 0.1, 0.5, 7]) seconds({ method: "GET" }).observe(value);
  seconds({}).observe(1);
  assert.equal(
    await registry.text(),
    String.raw`# HELP requests_total Requests\nof \\ all
# TYPE requests_total counter
requests_total{route="a\"b\\c\nd",status="200"} 3
requests_total{route="x",status="404"} 1
# HELP unknown Nobody knows
# TYPE unknown gauge
unknown NaN
# HELP endless Without an end
# TYPE endless gauge
endless{version="1"} -Inf
# HELP seconds How long
# TYPE seconds histogram
seconds_bucket{method="GET",le="0.1"} 2
seconds_bucket{method="GET",le="1"} 3
seconds_bucket{method="GET",le="+Inf"} 4
seconds_sum{method="GET"} 7.65
seconds_count{method="GET"} 4
seconds_bucket{le="0.1"} 0
seconds_bucket{le="1"} 1
seconds_bucket{le="+Inf"} 1
seconds_sum 1
seconds_count 1
`,
  );
});
