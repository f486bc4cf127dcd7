/**
 * How many more files this process may open: each connection is one, and so is each file of the database.
 *
 * The limit cannot be read: Deno lets only a process with all rights read `/proc`. So files are opened and closed
 * again, which takes 12 µs each.
 *
 * @module
 */
import { type Clock, SYSTEM_CLOCK } from "../async/clock.ts";

/** The reserve for the database, the log and whatever else is opened: an eighth of the room, within these bounds. */
const [LEAST_RESERVE, MOST_RESERVE] = [24, 128];
const PARTS = 8;

/** What web pages leave to requests beside the reserve, since their connections stay open. */
const FOR_REQUESTS = 8;

/** How often the room is measured while it may have changed, in milliseconds. */
const INTERVAL = 500;

/** Knows how many more files can be opened. */
export class OpenFiles {
  #openFiles: (count: number) => number;
  #clock: Clock;
  #reserve: number;
  /** How many could be opened when last measured, less those opened since. Measuring stops at `#most`. */
  #room: number;
  #most: number;
  #isShort = false;
  #wasTouched = false;
  #measuredAt: number;

  /** @param openFiles opens so many files, closes them again, and returns how many could be opened */
  constructor(openFiles: (count: number) => number = openNullDevice, clock: Clock = SYSTEM_CLOCK) {
    this.#openFiles = openFiles;
    this.#clock = clock;
    this.#room = openFiles(MOST_RESERVE * PARTS);
    this.#reserve = Math.max(LEAST_RESERVE, Math.min(MOST_RESERVE, Math.floor(this.#room / PARTS)));
    // However many come at once, it is measured again before as many files as the reserve have been opened.
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

  /** Whether a connection, of a request or of a web page, may stay without taking from the reserve. */
  hasRoomFor(use: "request" | "page"): boolean {
    const kept = this.#reserve + (use === "page" ? FOR_REQUESTS : 0);
    const isUsedUp = this.#room < kept && !this.#isShort;
    const isOld = this.#mayChange && this.#clock.now() - this.#measuredAt > INTERVAL;
    if (isUsedUp || isOld) this.#measure();
    this.#wasTouched ||= this.#room < this.#reserve;
    return this.#room >= kept;
  }

  /** Whether the reserve is in use, or was at some time since the last call. */
  wasShort(): boolean {
    if (this.#mayChange || this.#room < this.#most) this.#measure();
    this.#wasTouched ||= this.#room < this.#reserve;
    const wasTouched = this.#wasTouched;
    this.#wasTouched = false;
    return wasTouched;
  }

  /** Whether other files than connections may fill the room; not where the reserve is larger than what they open. */
  get #mayChange(): boolean {
    return this.#isShort || this.#reserve < MOST_RESERVE;
  }

  #measure() {
    this.#room = this.#openFiles(this.#most);
    this.#isShort = this.#room < this.#most;
    this.#measuredAt = this.#clock.now();
  }
}

/** Opens `/dev/null` so many times, or as often as it can, and closes it again. Returns how often it was opened. */
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
