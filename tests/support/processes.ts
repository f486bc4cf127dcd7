/**
 * Programs that tests run: Foyer from source, its executable, and others.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import denoJson from "../../deno.json" with { type: "json" };
import { VARIABLES } from "../../src/config.ts";
import { until } from "./waiting.ts";

/** A program with its arguments, environment and input. */
export interface Command extends Omit<Deno.CommandOptions, "stdout" | "stderr"> {
  program: string;
  /** The whole standard input; empty by default. */
  input?: string;
}

/** Every variable with an empty value, which counts as unset and overrides a `.env` in the project's root. */
const NOTHING_SET = Object.fromEntries(Object.keys(VARIABLES).map((name) => [name, ""]));

/** The arguments of `deno task start` before the script. */
const RUN = denoJson.tasks.start.command.split(" ").slice(1, -1);

/**
 * A command that runs Foyer from source, in a folder, with only the given variables set.
 *
 * @param script the path in the project of another script to run
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

/** A command that runs Foyer's executable, in a folder, with only the given variables set. */
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

/** Runs a program that may fail or be missing. */
export async function attempt(program: string, ...args: string[]): Promise<{ ok: boolean; text: string }> {
  try {
    const { code, stdout, stderr } = await runProcess({ program, args });
    return { ok: code === 0, text: stdout + stderr };
  } catch (error) {
    return { ok: false, text: (error as Error).message };
  }
}

/** A running program. Declared by `await using`, it ends with the test at the latest. */
export class Process implements AsyncDisposable {
  /** The standard output so far; `stderr` is the standard error. */
  stdout = "";
  stderr = "";
  hasEnded = false;
  /** Resolves when the program has ended and all its output was read. */
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
    // Writing fails if the program closes standard input without reading it.
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

  /** The resident memory in megabytes: now (`VmRSS`), or the peak (`VmHWM`). Only on Linux. */
  memory(field: "VmRSS" | "VmHWM" = "VmRSS"): number {
    const status = Deno.readTextFileSync(`/proc/${this.child.pid}/status`);
    return Math.round(Number(new RegExp(`${field}:\\s*(\\d+)`).exec(status)![1]) / 1024);
  }

  /** Sends a signal, and waits until the program has ended. */
  async stop(signal: Deno.Signal): Promise<Deno.CommandStatus> {
    this.child.kill(signal);
    return await this.ended;
  }

  async [Symbol.asyncDispose]() {
    if (!this.hasEnded) this.child.kill("SIGKILL");
    await this.ended;
  }
}
