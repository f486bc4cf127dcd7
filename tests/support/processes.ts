/**
 * Programs that tests run: Foyer from source, its executable, a shell.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import denoJson from "../../deno.json" with { type: "json" };
import { VARIABLES } from "../../src/config.ts";
import { until } from "./waiting.ts";

/** A program, and what it is started with. */
export interface Command extends Omit<Deno.CommandOptions, "stdout" | "stderr"> {
  program: string;
  /** All of its standard input, which is empty unless said. */
  input?: string;
}

/** Empty counts as unset, and wins over a `.env` in the project's root. */
const NOTHING_SET = Object.fromEntries(Object.keys(VARIABLES).map((name) => [name, ""]));

/** What `deno task start` says to Deno, before the script. */
const RUN = denoJson.tasks.start.command.split(" ").slice(1, -1);

/**
 * Foyer's command line from source, in a folder and with nothing set but what is given.
 *
 * @param script what runs instead, by its path in the project
 */
export function fromSource(
  folder: string,
  args: string[],
  environment: Record<string, string> = {},
  script = "main.ts",
): Command {
  return {
    program: Deno.execPath(),
    args: [...RUN, fileURLToPath(new URL(`../../${script}`, import.meta.url)), ...args],
    cwd: folder,
    env: { ...NOTHING_SET, NO_COLOR: "1", ...environment },
  };
}

/** Foyer's command line as an executable, in a folder and with nothing set but what is given. */
export function fromExecutable(
  program: string,
  folder: string,
  args: string[],
  environment: Record<string, string> = {},
): Command {
  return { program, args, cwd: folder, clearEnv: true, env: environment };
}

/** Runs a program to its end. */
export async function runProcess(
  command: Command,
): Promise<{ code: number; stdout: string; stderr: string }> {
  await using process = new Process(command);
  const { code } = await process.ended;
  return { code, stdout: process.stdout, stderr: process.stderr };
}

/** Runs a program that may fail, and may not even be there. */
export async function attempt(program: string, ...args: string[]): Promise<{ ok: boolean; text: string }> {
  try {
    const { code, stdout, stderr } = await runProcess({ program, args });
    return { ok: code === 0, text: stdout + stderr };
  } catch (error) {
    return { ok: false, text: (error as Error).message };
  }
}

/** A program that runs. It ends with the test at the latest, by `await using`. */
export class Process implements AsyncDisposable {
  /** What it has printed so far, and `stderr` likewise. */
  stdout = "";
  stderr = "";
  hasEnded = false;
  /** Once it has ended, and all is here that it printed. */
  readonly ended: Promise<Deno.CommandStatus>;
  readonly child: Deno.ChildProcess;

  constructor({ program, input, ...options }: Command) {
    const stdin = input === undefined ? "null" : "piped";
    this.child = new Deno.Command(program, { stdin, ...options, stdout: "piped", stderr: "piped" }).spawn();
    this.child.status.then(() => this.hasEnded = true);
    this.ended = this.#follow(input);
  }

  async #follow(input?: string): Promise<Deno.CommandStatus> {
    const reading = (["stdout", "stderr"] as const).map(async (name) => {
      for await (const text of this.child[name].pipeThrough(new TextDecoderStream())) this[name] += text;
    });
    // Whoever does not read standard input closes it.
    if (input !== undefined) await new Blob([input]).stream().pipeTo(this.child.stdin).catch(() => {});
    await Promise.all(reading);
    return await this.child.status;
  }

  /** Waits until a line is printed. */
  async until(line: RegExp, where: "stdout" | "stderr" = "stderr") {
    await until(() => {
      const isPrinted = line.test(this[where]);
      assert.ok(isPrinted || !this.hasEnded, `it ended: ${this.stdout}${this.stderr}`);
      return isPrinted;
    });
  }

  /** Megabytes of memory: now, or the most so far. On Linux only. */
  memory(field: "VmRSS" | "VmHWM" = "VmRSS"): number {
    const status = Deno.readTextFileSync(`/proc/${this.child.pid}/status`);
    return Math.round(Number(new RegExp(`${field}:\\s*(\\d+)`).exec(status)![1]) / 1024);
  }

  /** Asks it to end, and waits for that. */
  async stop(signal: Deno.Signal): Promise<Deno.CommandStatus> {
    this.child.kill(signal);
    return await this.ended;
  }

  async [Symbol.asyncDispose]() {
    if (!this.hasEnded) this.child.kill("SIGKILL");
    await this.ended;
  }
}
