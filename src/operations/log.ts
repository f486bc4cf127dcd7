/**
 * The log: a line for each event, on standard error; JSON where no person watches.
 *
 * @module
 */
import { configure, dispose, getLogger, getTextFormatter, type LogRecord } from "@logtape/logtape";
import { LOG_LEVELS, type LogLevel } from "../config.ts";
import { within } from "./listen.ts";

/**
 * Tells of an event. Never a key, a search or a visitor's data.
 *
 * @param sentence what happened
 * @param level `info` unless said
 * @param details values beside the sentence
 */
export type Log = (sentence: string, level?: LogLevel, details?: Record<string, unknown>) => void;

/** Text that waits for a reader who has stopped, in characters; more is left out, and counted. */
const MAX_WAITING = 1_000_000;

/** How long lines are gathered that are written together, in milliseconds. */
const GATHERING = 20;

/** How long a reader who has stopped holds the end of the process up, in milliseconds. */
const END_DEADLINE = 500;

/**
 * Opens the log of this process.
 *
 * @param lowest what is less important is left out
 */
export async function openLog(lowest: LogLevel): Promise<Log> {
  const format = Deno.stderr.isTerminal() ? readableFormat() : jsonFormat;
  const lines = new Lines();
  await configure({
    reset: true,
    sinks: {
      lines: Object.assign((record: LogRecord) => lines.write(format(record)), {
        [Symbol.asyncDispose]: () => lines.end(),
      }),
    },
    loggers: [
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["lines"] },
      { category: "foyer", lowestLevel: lowest, sinks: ["lines"] },
    ],
  });
  const logger = getLogger("foyer");
  const shown = new Set(LOG_LEVELS.slice(LOG_LEVELS.indexOf(lowest)));
  return (sentence, level = "info", details = {}) => {
    // Braces would be places for details.
    if (shown.has(level)) logger[level](sentence.replace(/[{}]/g, "$&$&"), details);
  };
}

/** Resolves when all that was logged is written, or {@link END_DEADLINE} has passed. */
export async function closeLog(): Promise<void> {
  await within(END_DEADLINE, dispose());
}

/** (The library's own escapes more, and takes several times as long, with every request.) */
function jsonFormat({ timestamp, level, message, properties }: LogRecord): string {
  const time = new Date(timestamp).toISOString();
  return JSON.stringify({ time, level, message: message.join(""), ...properties }) + "\n";
}

/**
 * What of an error may be logged: not its sentence, which may hold a visitor's data; the frames say where it came
 * from.
 */
export function describeFailure(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: typeof error };
  const { name, stack = "", message } = error;
  const afterMessage = stack.slice(stack.indexOf(message) + message.length);
  return {
    error: name,
    ...("code" in error ? { code: error.code } : {}),
    frames: afterMessage.split("\n").filter((line) => /^\s+at /.test(line)).map((line) => line.trim()).join(
      "\n",
    ),
  };
}

function readableFormat() {
  return getTextFormatter({
    timestamp: "rfc3339",
    level: "full",
    format: ({ timestamp, level, message, record }) => {
      const details = Object.entries(record.properties).map(([name, value]) => ` ${name}=${value}`).join("");
      return `${timestamp} ${level === "info" ? "" : `${level}: `}${message}${details}`;
    },
  });
}

/** Lines on standard error. Those that come together are written together, and nobody waits for whoever reads them. */
class Lines {
  #encoder = new TextEncoder();
  #waiting = "";
  #leftOut = 0;
  #writing: Promise<void> | null = null;

  write(line: string) {
    if (this.#waiting.length > MAX_WAITING) this.#leftOut++;
    else this.#waiting += line;
    this.#writing ??= this.#work();
  }

  /** Resolves when all is written. */
  async end() {
    await this.#writing;
  }

  async #work() {
    await new Promise((resolve) => setTimeout(resolve, GATHERING));
    try {
      while (this.#waiting !== "") {
        const note = this.#leftOut === 0
          ? ""
          : `{"level":"warning","message":"${this.#leftOut} lines are left out"}\n`;
        let bytes = this.#encoder.encode(this.#waiting + note);
        this.#waiting = "";
        this.#leftOut = 0;
        while (bytes.length > 0) bytes = bytes.subarray(await Deno.stderr.write(bytes));
      }
    } catch {
      // Whoever read them has gone, and there is nobody to tell.
      this.#waiting = "";
    }
    // In the same turn in which nothing was left, or what is written meanwhile would wait for the next line.
    this.#writing = null;
  }
}
