import assert from "node:assert/strict";
import { testInFolder } from "../support/folders.ts";
import { fromSource } from "../support/processes.ts";
import { startServer } from "../support/server.ts";
import { until } from "../support/waiting.ts";

testInFolder(
  "More connections than allowed open files do not end the process, which accepts connections again later",
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
    await until(() =>
      fetch(`${server.url}/live`, { signal: AbortSignal.timeout(1000) }).then(
        async (response) => (await response.text()) !== "" && response.status === 200,
        () => false,
      )
    );
    assert.equal((await server.stop("SIGTERM")).code, 0, server.stderr);
  },
);
