/**
 * The log: one line per event on standard error, as JSON unless standard error is a terminal.
 *
 * @module
 */
import { type Config, LOG_LEVELS, type LogLevel } from "../config.ts";
import { within } from "../async/deadline.ts";

/**
 * Logs an event. Must not be passed a key, a search or a visitor's data.
 *
 * @param sentence what happened
 * @param level `info` by default
 * @param details further fields of the line
 */
export type Log = (sentence: string, level?: LogLevel, details?: Record<string, unknown>) => void;

/** The most text that is buffered while standard error is not being read, in characters; further lines are dropped. */
const MAX_WAITING = 1_000_000;

/** How long lines are buffered before they are written together, in milliseconds. */
const BUFFERING = 100;

/** How long the process waits at its end if standard error is not being read, in milliseconds. */
const END_DEADLINE = 500;

/** The content of one line. */
interface Event {
  timestamp: number;
  level: LogLevel;
  sentence: string;
  details: Record<string, unknown>;
}

/** The output of this process. */
let lines: Lines | null = null;

/**
 * Opens the log of this process.
 *
 * @param lowest the lowest level that is logged
 */
export function openLog(lowest: LogLevel): Log {
  const format = Deno.stderr.isTerminal() ? readableFormat() : jsonFormat();
  // One output for all logs of this process, so that their lines do not interleave.
  const opened = lines ??= new Lines();
  const shown = new Set(LOG_LEVELS.slice(LOG_LEVELS.indexOf(lowest)));
  return (sentence, level = "info", details = {}) => {
    if (shown.has(level)) opened.write(format({ timestamp: Date.now(), level, sentence, details }));
  };
}

/** Opens the log with the configured level, and logs the configuration's warnings. */
export function openConfiguredLog({ logLevel, warnings }: Config): Log {
  const log = openLog(logLevel);
  for (const warning of warnings) log(warning, "warning");
  return log;
}

/** Resolves when all logged lines are written, or {@link END_DEADLINE} has passed. */
export async function closeLog(): Promise<void> {
  if (lines !== null) await within(END_DEADLINE, lines.end());
}

/** Formats events as JSON. The part that consecutive events of one millisecond share is serialised once. */
function jsonFormat(): (event: Event) => string {
  let [beginning, ofTimestamp, ofLevel, ofSentence] = ["", NaN, "", ""];
  return ({ timestamp, level, sentence, details }) => {
    if (timestamp !== ofTimestamp || level !== ofLevel || sentence !== ofSentence) {
      const time = new Date(timestamp).toISOString();
      beginning = JSON.stringify({ time, level, message: sentence }).slice(0, -1);
      [ofTimestamp, ofLevel, ofSentence] = [timestamp, level, sentence];
    }
    const rest = JSON.stringify(details).slice(1);
    return beginning + (rest === "}" ? "}\n" : `,${rest}\n`);
  };
}

/**
 * Returns the parts of an error that may be logged: its name, code and stack frames. The message is left out, since it
 * may hold a visitor's data.
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

/** Formats events for a person at a terminal, in colours unless `NO_COLOR` is set (https://no-color.org). */
function readableFormat(): (event: Event) => string {
  const paint = (code: number, text: string) => Deno.noColor ? text : `\x1b[${code}m${text}\x1b[0m`;
  return ({ timestamp, level, sentence, details }) => {
    const time = paint(DIM, new Date(timestamp).toISOString());
    const label = level === "info" ? "" : paint(COLOURS[level], `${level}: `);
    const values = Object.entries(details).map(([name, value]) => paint(DIM, ` ${name}=${value}`)).join("");
    return `${time} ${label}${sentence}${values}\n`;
  };
}

/** ANSI codes (https://en.wikipedia.org/wiki/ANSI_escape_code#Colors). */
const DIM = 2;
const COLOURS = { debug: 36, info: 0, warning: 33, error: 31 } as const;

/** Writes lines to standard error, several at once. Callers never wait for the output. */
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

  /** Resolves when all lines are written. */
  async end() {
    await this.#writing;
  }

  async #work() {
    await new Promise((resolve) => setTimeout(resolve, BUFFERING));
    try {
      while (this.#waiting !== "") {
        const note = this.#leftOut === 0
          ? ""
          : `{"level":"warning","message":"${this.#leftOut} log lines were dropped"}\n`;
        let bytes = this.#encoder.encode(this.#waiting + note);
        this.#waiting = "";
        this.#leftOut = 0;
        while (bytes.length > 0) bytes = bytes.subarray(await Deno.stderr.write(bytes));
      }
    } catch {
      // Standard error is closed, and there is nowhere else to report that.
      this.#waiting = "";
    }
    // Set in the same turn in which the buffer was empty, so that the next line starts a new write.
    this.#writing = null;
  }
}
