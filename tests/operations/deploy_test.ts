import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import denoJson from "../../deno.json" with { type: "json" };
import { EX_CONFIG } from "../../src/commands/exit.ts";
import { readConfig, VARIABLES } from "../../src/config.ts";
import { Metrics } from "../../src/operations/metrics.ts";
import { hasAllRights } from "../support/rights.ts";

const ROOT = new URL("../../", import.meta.url);
const DEPLOY = "src/operations/deploy/";
const PREFIX = "/cobrowsing";

function read(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}

function test(sentence: string, fn: () => void | Promise<void>) {
  if (hasAllRights) Deno.test(`The deploy files: ${sentence}`, fn);
}

/** The paths of the main port, from the map of URLs in app.ts; `{short_id}` stands for any text. */
function routePaths(): string[] {
  const [urls] = /^const URLS = \{[^]*?^\}/m.exec(read("src/app.ts"))!;
  const paths = Array.from(urls.matchAll(/\[\s*"[A-Z]+",\s*"([^"]+)"/g), ([, path]) => path);
  assert.ok(paths.includes("/connect") && paths.includes("/api/usage"));
  return paths;
}

/** Asserts that a path under the prefix is a route or, if it ends with a slash, that routes begin with it. */
function assertIsRoute(path: string) {
  assert.ok(path.startsWith(`${PREFIX}/`), `${path} is under ${PREFIX}`);
  const own = path.slice(PREFIX.length);
  const isRoute = routePaths().some((route) => own.endsWith("/") ? route.startsWith(own) : route === own);
  assert.ok(isRoute, `${path} is a route`);
}

/** Every metric of a server with all features on, and the labels of all metrics. */
async function knownMetrics(): Promise<{ names: Set<string>; labels: Set<string> }> {
  const metrics = new Metrics();
  metrics.countRequest("GET", "/live", 200, 1);
  metrics.countOperation("find_visitors", "ok", 1);
  metrics.countRead("database");
  metrics.countMessage("hello", "ok");
  metrics.watchDatabase(() => true, { online: () => Promise.resolve(0), waiting: () => Promise.resolve(0) });
  metrics.watchUnindexed(() => true, () => Promise.resolve(0));
  metrics.watchStreams({ size: 0 }, { size: 0 });
  metrics.watchPresence({ size: 0 }, { size: 0, waiting: 0 });
  const { body } = await metrics.text();
  const series = Array.from(body.matchAll(/^(foyer_\w+)(\{.*\})? /gm));
  return {
    names: new Set(series.map(([, name]) => name)),
    // Prometheus adds `instance` and `job`.
    labels: new Set([
      "instance",
      "job",
      ...series.flatMap(([, , labels = ""]) => Array.from(labels.matchAll(/(\w+)="/g), ([, label]) => label)),
    ]),
  };
}

/** Asserts that every metric and label in PromQL expressions is one of Foyer's. */
async function assertIsMeasured(expressions: string[]) {
  const { names, labels } = await knownMetrics();
  for (const expression of expressions) {
    for (const [name] of expression.matchAll(/\bfoyer_\w+/g)) assert.ok(names.has(name), `${name} exists`);
    const used = [
      ...Array.from(expression.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g), ([, label]) => label),
      ...Array.from(expression.matchAll(/\bby \(([^)]*)\)/g), ([, list]) => list.split(/,\s*/)).flat(),
    ];
    for (const label of used) assert.ok(labels.has(label), `the label ${label} exists: ${expression}`);
  }
}

test("the alert rules use only metrics that exist", async () => {
  const rules = read(`${DEPLOY}prometheus-rules.yml`);
  const expressions = Array.from(
    rules.matchAll(/^( *)expr:(?: \|\n((?:\1 {2,}.*\n)+)| (.*)\n)/gm),
    ([, , lines, line]) => lines ?? line,
  );
  assert.equal(expressions.length, rules.match(/^ *- alert: /gm)!.length);
  await assertIsMeasured(expressions);
  for (const [name] of rules.matchAll(/\bfoyer_\w+/g)) await assertIsMeasured([name]);
});

test("the dashboard uses only metrics that exist, and shows every metric", async () => {
  const text = read(`${DEPLOY}grafana-dashboard.json`);
  const { panels } = JSON.parse(text) as { panels: { id: number; targets: { expr: string }[] }[] };
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  await assertIsMeasured(panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)));
  const shown = (name: string) => text.includes(name.replace(/_(bucket|sum|count)$/, ""));
  for (const name of (await knownMetrics()).names) assert.ok(shown(name), `${name} is shown`);
});

test("the systemd unit parses, and lets Foyer write its files", () => {
  const sections = new Map<string, Map<string, string[]>>();
  let section = new Map<string, string[]>();
  for (const line of read(`${DEPLOY}foyer.service`).split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const header = /^\[(\w+)\]$/.exec(line);
    if (header !== null) {
      sections.set(header[1], section = new Map());
      continue;
    }
    const [, name, value] = /^([A-Z]\w+)=(.*)$/.exec(line) ?? assert.fail(`${line} is an option`);
    section.set(name, [...section.get(name) ?? [], value]);
  }
  assert.deepEqual([...sections.keys()], ["Unit", "Service", "Install"]);
  const service = (name: string) => sections.get("Service")!.get(name)?.at(-1) ?? "";

  // The commands in the README install the files at these paths.
  const readme = read("src/operations/deploy/README.md");
  assert.ok(readme.includes(`foyer ${service("ExecStart")}`), "the README installs the executable there");
  assert.ok(readme.includes(`.env.example ${service("EnvironmentFile")}`), "and the variables there");
  assert.ok(readme.includes("src/operations/deploy/foyer.service /etc/systemd/system/"));

  assert.equal(service("ProtectSystem"), "strict");
  const writable = [`/var/lib/${service("StateDirectory")}`, ...service("ReadWritePaths").split(" ")]
    .filter((path) => path !== "");
  for (const path of writable) assert.match(path, /^\/var\/lib\/foyer(\/|$)/);
  // The default path of the embedded store is relative.
  assert.ok(writable.includes(service("WorkingDirectory")));
  assert.ok(!VARIABLES.SQLITE_PATH.shownDefault!.startsWith("/"));

  assert.equal(service("RestartPreventExitStatus"), `${EX_CONFIG}`);
  assert.ok(Number(service("TimeoutStopSec")) > 10, "it is not killed while it stops");
  assert.ok(
    Number(service("LimitNOFILE")) >
      Number(VARIABLES.MAX_CONNECTIONS.default) + Number(VARIABLES.MAX_STREAMS.default),
  );
  assert.equal(service("UMask"), "0077");
});

test("the proxies keep the path, forward WebSockets and name only existing routes", () => {
  const nginx = read(`${DEPLOY}nginx.conf`).replaceAll(/^\s*#.*$/gm, "");
  const locations = Array.from(nginx.matchAll(/location (?:= )?(\S+) \{([^}]*)\}/g));
  assert.deepEqual(locations.map(([, path]) => path), [`${PREFIX}/`, `${PREFIX}/connect`]);
  for (const [, path, options] of locations) {
    assertIsRoute(path);
    // nginx would replace the location's path by a path after the upstream's name.
    assert.match(options, /proxy_pass http:\/\/\w+;/);
    assert.match(options, /proxy_http_version 1\.1;/);
    assert.match(options, /proxy_set_header X-Forwarded-For \$remote_addr;/);
    const upgrades = /Upgrade \$http_upgrade;\s+proxy_set_header Connection "upgrade";/.test(options);
    assert.equal(upgrades, path.endsWith("/connect"));
  }

  // Streams of lists.
  assert.match(nginx, /listen 443 ssl http2;/);
  assert.doesNotMatch(nginx, /proxy_buffering|X-Accel|gzip/);
  for (const [, seconds] of nginx.matchAll(/proxy_read_timeout (\d+)s/g)) assert.ok(Number(seconds) >= 60);

  const caddy = read(`${DEPLOY}Caddyfile`).replaceAll(/^\s*#.*$/gm, "");
  const handled = Array.from(caddy.matchAll(/handle (\S+) \{/g), ([, path]) => path.replace(/\*$/, ""));
  assert.deepEqual(handled, [`${PREFIX}/`]);
  // These directives would change the path, or break WebSockets, which reverse_proxy forwards by default.
  assert.doesNotMatch(caddy, /handle_path|strip_prefix|rewrite|\buri\b|header_up|versions/);

  const traefik = read(`${DEPLOY}traefik.yml`).replaceAll(/^\s*#.*$/gm, "");
  const [, prefix] = /PathPrefix\(`([^`]+)`\)/.exec(traefik)!;
  assertIsRoute(prefix);
  assertIsRoute(/path: (\S+)/.exec(traefik)![1]);
  assert.doesNotMatch(traefik, /stripPrefix|replacePath|buffering|headers:/);

  for (const text of [nginx, caddy, traefik]) {
    const upstreams = text.match(/127\.0\.0\.1:\d+/g)!;
    assert.deepEqual([...new Set(upstreams)], [`127.0.0.1:${VARIABLES.PORT.default}`]);
    for (const [host] of text.matchAll(/\b[\w-]+\.example\.com\b/g)) {
      assert.equal(host, "support.example.com");
    }
  }
});

test("every environment variable in them exists", () => {
  for (const { name } of Deno.readDirSync(new URL(DEPLOY, ROOT))) {
    // The table after this sentence has names of errors, which look like variables.
    const [text] = read(DEPLOY + name).split("The log names the error:");
    // Names of two words or more, or of one word with a value.
    const named = text.matchAll(/(?<![\w$-])(?:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?!\w)|[A-Z]{4,}(?==))/g);
    for (const [variable] of named) {
      if (/^(OTEL|DENO)_/.test(variable) || SOCKETS.has(variable)) continue;
      assert.ok(Object.hasOwn(VARIABLES, variable), `${name}: ${variable} exists`);
    }
  }
  // The variables in the proxies' files form a valid configuration.
  const { prefix, trustedProxies } = readConfig({
    BASE_ENDPOINT: `https://support.example.com${PREFIX}`,
    HOST: "127.0.0.1",
    TRUSTED_PROXIES: "127.0.0.1",
  });
  assert.deepEqual([prefix, trustedProxies], [PREFIX, ["127.0.0.1"]]);
});

/** The socket families that the unit allows. */
const SOCKETS = new Set(["AF_INET", "AF_INET6", "AF_UNIX"]);

test("the container is built from existing files, with the Deno that CI uses", () => {
  const lines = read(`${DEPLOY}Containerfile`).split("\n");
  const sources = lines.filter((line) => /^COPY (?!--)/.test(line)).flatMap((line) =>
    line.split(" ").slice(1, -1)
  );
  for (const source of [...sources, ...lines.join("\n").match(/src\/operations\/\S+/g)!]) {
    assert.ok(Deno.statSync(fileURLToPath(new URL(source, ROOT))), source);
  }
  for (const name of ["deno.json", "deno.lock", "main.ts", "src"]) assert.ok(sources.includes(name), name);
  const [, version] = /denoland\/deno:([\d.]+) /.exec(lines.join("\n"))!;
  assert.ok(read(".ci/run").includes(`deno@${version}`));
  assert.ok(denoJson.tasks.compile.command.endsWith("--output foyer main.ts"));
  const help = read("main.ts");
  for (const line of lines) {
    const command = /^(?:HEALTHCHECK .* CMD|ENTRYPOINT) (\[.*\])$/.exec(line)?.[1];
    if (command === undefined) continue;
    const [program, ...args] = JSON.parse(command) as string[];
    assert.ok(lines.some((copy) => copy.startsWith("COPY --from=build") && copy.endsWith(` ${program}`)));
    assert.ok(args.length === 0 || help.includes(`foyer ${args.join(" ")} `), `foyer ${args} is a command`);
  }
});
