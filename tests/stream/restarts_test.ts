/**
 * Streams of a real server process that stops, or is killed.
 *
 * @module
 */
import assert from "node:assert/strict";
import { testInFolder } from "../support/folders.ts";
import { freePort } from "../support/ports.ts";
import { fromSource, Process } from "../support/processes.ts";
import { FollowingClient, StreamClient } from "../support/streams.ts";
import { until } from "../support/waiting.ts";

const KEY = "S3cr3t write key";
const headers = { Authorization: KEY };

async function start(folder: string, port: number, more: Record<string, string> = {}) {
  const environment = {
    HOST: "127.0.0.1",
    PORT: `${port}`,
    REST_KEY: "S3cr3t read key",
    REST_WRITE_KEY: KEY,
  };
  const server = new Process(fromSource(folder, [], { ...environment, ...more }));
  await server.until(/Listening on/);
  return server;
}

const VISITORS = Array.from({ length: 12 }, (_, i) =>
  JSON.stringify({
    short_id: `v${i}`,
    is_online: true,
    last_seen_at: new Date(1_770_000_000_000 + i).toISOString(),
    tags: i % 2 === 0 ? ["#vip"] : [],
  }) + "\n").join("");

async function fill(folder: string) {
  await using importing = new Process({ ...fromSource(folder, ["import", "-"]), input: VISITORS });
  assert.equal((await importing.ended).code, 0, importing.stderr);
}

const QUERIES = ["", "?q=%23vip", "?q=online&max_results=5"];

for (
  const [way, environment] of [
    ["A server that stops", {}],
    ["A server that stops, and that web pages connect to,", {
      SITE_KEY: "site",
      SECRET_KEY: "s".repeat(32),
      ALLOWED_ORIGINS: "*",
    }],
  ] as [string, Record<string, string>][]
) {
  testInFolder(`${way} ends its streams, and then itself`, async (folder) => {
    await fill(folder);
    const port = freePort();
    await using server = await start(folder, port, environment);
    const url = `http://127.0.0.1:${port}/api/visitors/list/stream`;
    const clients = await Promise.all(
      Array.from({ length: 20 }, async () => new StreamClient(await fetch(url, { headers }))),
    );
    await Promise.all(clients.map((client) => client.until(({ visitors }) => visitors.size === 12)));
    // A client that does not read must not delay the stop either.
    using silent = await Deno.connect({ hostname: "127.0.0.1", port });
    await silent.write(
      new TextEncoder().encode(
        `GET ${new URL(url).pathname} HTTP/1.1\r\nHost: a\r\nAuthorization: ${KEY}\r\n\r\n`,
      ),
    );
    server.child.kill("SIGTERM");
    await Promise.all(clients.map(({ ended }) => ended));
    assert.equal((await server.ended).code, 0, server.stderr);
    assert.doesNotMatch(server.stderr, /"level":"error"/);
  });
}

testInFolder(
  "Clients that follow a list miss nothing when the server is killed and restarted",
  async (folder) => {
    await fill(folder);
    const port = freePort();
    const api = `http://127.0.0.1:${port}/api`;
    let server = await start(folder, port);
    const clients = Array.from(
      { length: 9 },
      (_, i) => new FollowingClient(api, QUERIES[i % 3], headers, 100),
    );
    try {
      for (let kill = 1; kill <= 3; kill++) {
        await until(() => clients.every(({ connected }) => connected >= kill));
        // Changes just before the kill, so that the clients miss some of them.
        for (let change = 0; change < 6; change++) {
          const body = JSON.stringify({ name: `${kill} ${change}`, tags: change % 2 ? ["#vip"] : [] });
          const response = await fetch(`${api}/visitors/v${change * kill % 12}`, {
            method: "PATCH",
            headers,
            body,
          });
          assert.equal(response.status, 200, await response.text());
        }
        await server.stop("SIGKILL");
        server = await start(folder, port);
      }
      for (const [i, client] of clients.entries()) {
        await until(async () => {
          const response = await fetch(`${api}/visitors/list/search${QUERIES[i % 3]}`, { headers });
          return JSON.stringify((await response.json()).visitors) === JSON.stringify(client.list);
        });
      }
    } finally {
      await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
      await server[Symbol.asyncDispose]();
    }
  },
);
