import assert from "node:assert/strict";
import { testInFolder } from "../support/folders.ts";
import { freePort } from "../support/ports.ts";
import { fromSource, Process, runProcess } from "../support/processes.ts";
import { eventually } from "../support/waiting.ts";

/** Runs a shell script, in which `"$@"` runs Foyer. */
function shell(
  folder: string,
  script: string,
  environment: Record<string, string> = {},
  args: string[] = [],
) {
  const foyer = fromSource(folder, args, { SQLITE_PATH: "foyer.db", ...environment });
  return { ...foyer, program: "bash", args: ["-c", script, "bash", foyer.program, ...foyer.args!] };
}

/** Redirections to outputs that cannot be written. */
const NOWHERE = [">/dev/full 2>/dev/full", ">&- 2>&-", "<&- >&- 2>&-"];

const COMMANDS: [args: string[], code: number, environment?: Record<string, string>][] = [
  [["--help"], 0],
  [["nonsense"], 64],
  [["check"], 0],
  [["check"], 78, { PORT: "none" }],
  [["import", "visitors.ndjson"], 0],
  [["backup", "foyer.db"], 1],
];

testInFolder(
  "A command does its work and has the right exit code, even if its output cannot be written",
  async (folder) => {
    await Deno.writeTextFile(`${folder}/visitors.ndjson`, '{"short_id":"a"}\n');
    for (const [args, expected, environment] of COMMANDS) {
      for (const nowhere of NOWHERE) {
        const { code } = await runProcess(shell(folder, `exec "$@" ${nowhere}`, environment, args));
        assert.equal(code, expected, `${args} ${nowhere}`);
      }
    }
  },
);

testInFolder(
  "A server keeps running if its log cannot be written",
  async (folder) => {
    // The last redirection is a pipe whose reader exits after the first line.
    for (const nowhere of [...NOWHERE, "2> >(head -n 1 >/dev/null)"]) {
      const PORT = `${freePort()}`;
      const environment = { HOST: "127.0.0.1", PORT, LOG_LEVEL: "debug" };
      await using server = new Process(shell(folder, `exec "$@" ${nowhere}`, environment));
      const ask = async () => {
        const response = await fetch(`http://127.0.0.1:${PORT}/ready`);
        await response.body?.cancel();
        return response.status;
      };
      await eventually(() => ask().catch(() => false as const));
      // Lines are written together every 100 ms.
      for (let i = 0; i < 5; i++) {
        assert.equal(await ask(), 200, nowhere);
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
      assert.ok(!server.hasEnded, nowhere);
      const { code } = await server.stop("SIGTERM");
      assert.equal(code, 0, nowhere);
    }
  },
);
