import assert from "node:assert/strict";
import { testInFolder } from "../support/folders.ts";
import { fromSource } from "../support/processes.ts";
import { startServer } from "../support/server.ts";

testInFolder(
  "More connections than the process may have files do not end it, and it takes others when they are gone",
  async (folder) => {
    const withFewFiles = (environment: Record<string, string>) => {
      const { program, args = [], ...options } = fromSource(folder, [], environment);
      return { ...options, program: "sh", args: ["-c", 'ulimit -n 120; exec "$@"', "sh", program, ...args] };
    };
    await using server = await startServer(withFewFiles, {});
    const connect = () => Deno.connect({ hostname: "127.0.0.1", port: server.port });
    const connections = await Promise.allSettled(Array.from({ length: 200 }, connect));
    for (const connection of connections) if (connection.status === "fulfilled") connection.value.close();
    await server.until(/Cannot take connections/);
    const end = performance.now() + 5000;
    let status = 0;
    while (status !== 200) {
      assert.ok(performance.now() < end, `it answers again: ${server.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
      status = await fetch(`${server.url}/live`, { signal: AbortSignal.timeout(1000) }).then(
        async (response) => {
          await response.text();
          return response.status;
        },
        () => 0,
      );
    }
    assert.equal((await server.stop("SIGTERM")).code, 0, server.stderr);
  },
);
