/**
 * Estimates how many more files this process may open. Each connection counts as a file, and so does each file of the
 * database.
 *
 * The limit cannot be read, since Deno lets only a process with all permissions read `/proc`. Therefore it is measured by
 * opening and closing files, which takes 12 µs each.
 *
 * @module
 */
import { type Clock, SYSTEM_CLOCK } from "../async/clock.ts";

/** The reserve for all files that are no connections: an eighth of the room at the start, within these bounds. */
const [LEAST_RESERVE, MOST_RESERVE] = [24, 128];
const PARTS = 8;

/** A further reserve for requests, which connections of web pages may not use since these stay open. */
const FOR_REQUESTS = 8;

/** How often the room is measured while it may change, in milliseconds. */
const INTERVAL = 500;

/** Estimates how many more files can be opened: the room. */
export class OpenFiles {
  #openFiles: (count: number) => number;
  #clock: Clock;
  #reserve: number;
  /** The room when last measured (up to `#most`), minus the connections opened since. */
  #room: number;
  #most: number;
  #isShort = false;
  #wasTouched = false;
  #measuredAt: number;

  /** @param openFiles opens up to `count` files, closes them again, and returns how many could be opened */
  constructor(openFiles: (count: number) => number = openNullDevice, clock: Clock = SYSTEM_CLOCK) {
    this.#openFiles = openFiles;
    this.#clock = clock;
    this.#room = openFiles(MOST_RESERVE * PARTS);
    this.#reserve = Math.max(LEAST_RESERVE, Math.min(MOST_RESERVE, Math.floor(this.#room / PARTS)));
    // Large enough that, however many connections arrive at once, the room is measured again before the reserve is used.
    this.#most = 2 * this.#reserve + FOR_REQUESTS;
    this.#measuredAt = clock.now();
  }

  /** Counts a connection that was opened. */
  noteOpened() {
    this.#room--;
  }

  /** Counts a connection that was closed. */
  noteClosed() {
    this.#room++;
  }

  /** Whether a new connection of a request or of a web page leaves the reserve untouched. */
  hasRoomFor(use: "request" | "page"): boolean {
    const kept = this.#reserve + (use === "page" ? FOR_REQUESTS : 0);
    const isUsedUp = this.#room < kept && !this.#isShort;
    const isOld = this.#mayChange && this.#clock.now() - this.#measuredAt > INTERVAL;
    if (isUsedUp || isOld) this.#measure();
    this.#wasTouched ||= this.#room < this.#reserve;
    return this.#room >= kept;
  }

  /** Whether the reserve is in use, or was in use at some time since the last call. */
  wasShort(): boolean {
    if (this.#mayChange || this.#room < this.#most) this.#measure();
    this.#wasTouched ||= this.#room < this.#reserve;
    const wasTouched = this.#wasTouched;
    this.#wasTouched = false;
    return wasTouched;
  }

  /** Whether files that are no connections may use up the room: not if the reserve is at its largest, enough for them. */
  get #mayChange(): boolean {
    return this.#isShort || this.#reserve < MOST_RESERVE;
  }

  #measure() {
    this.#room = this.#openFiles(this.#most);
    this.#isShort = this.#room < this.#most;
    this.#measuredAt = this.#clock.now();
  }
}

/** Opens `/dev/null` up to `count` times and closes it again. Returns how often it could be opened. */
function openNullDevice(count: number): number {
  const files: Deno.FsFile[] = [];
  try {
    while (files.length < count) files.push(Deno.openSync("/dev/null"));
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== "EMFILE" && code !== "ENFILE") return Infinity;
  } finally {
    for (const file of files) file.close();
  }
  return files.length;
}
