/**
 * How many more files this process may open: each connection is one, and so is each file of the database.
 *
 * The limit itself cannot be read, since `/proc` takes a right that allows everything. So files are opened and closed
 * again, which takes 12 µs each.
 *
 * @module
 */
import { type Clock, SYSTEM_CLOCK } from "../async/clock.ts";

/** What is kept free for the database, the log and whatever else is opened: an eighth, within these bounds. */
const [LEAST_RESERVE, MOST_RESERVE] = [24, 128];
const PARTS = 8;

/** What web pages, which stay, leave to requests beside the reserve. */
const FOR_REQUESTS = 8;

/** The least time between two looks while files are short, and the longest, in milliseconds. */
const INTERVAL = 500;

/** The room for more open files. */
export class OpenFiles {
  #openFiles: (count: number) => number;
  #clock: Clock;
  #reserve: number;
  /** How many could be opened at the last look, less those opened since; no more is looked for than `#most`. */
  #room: number;
  #most: number;
  #isShort = false;
  #wasTouched = false;
  #lookedAt: number;

  /** @param openFiles opens so many files, closes them again, and returns how many could be opened */
  constructor(openFiles: (count: number) => number = openNothing, clock: Clock = SYSTEM_CLOCK) {
    this.#openFiles = openFiles;
    this.#clock = clock;
    this.#room = openFiles(MOST_RESERVE * PARTS);
    this.#reserve = Math.max(LEAST_RESERVE, Math.min(MOST_RESERVE, Math.floor(this.#room / PARTS)));
    // However many come at once, there is a look before as many more are open as are kept free.
    this.#most = 2 * this.#reserve + FOR_REQUESTS;
    this.#lookedAt = clock.now();
  }

  /** Counts a connection that was opened. */
  noteOpened() {
    this.#room--;
  }

  /** Counts a connection that was closed. */
  noteClosed() {
    this.#room++;
  }

  /** Whether the reserve is whole, so that a connection may stay: a request's, or a web page's. */
  hasRoomFor(use: "request" | "page"): boolean {
    const kept = this.#reserve + (use === "page" ? FOR_REQUESTS : 0);
    const isUsedUp = this.#room < kept && !this.#isShort;
    const isOld = this.#mayChange && this.#clock.now() - this.#lookedAt > INTERVAL;
    if (isUsedUp || isOld) this.#look();
    this.#wasTouched ||= this.#room < this.#reserve;
    return this.#room >= kept;
  }

  /** Whether the reserve is not whole, or was not at some time since this was asked last. */
  wasShort(): boolean {
    if (this.#mayChange || this.#room < this.#most) this.#look();
    this.#wasTouched ||= this.#room < this.#reserve;
    const wasTouched = this.#wasTouched;
    this.#wasTouched = false;
    return wasTouched;
  }

  /** Whether others than connections may have made files short; not where more are kept free than these open. */
  get #mayChange(): boolean {
    return this.#isShort || this.#reserve < MOST_RESERVE;
  }

  #look() {
    this.#room = this.#openFiles(this.#most);
    this.#isShort = this.#room < this.#most;
    this.#lookedAt = this.#clock.now();
  }
}

/** Opens nothing, as `/dev/null`, so many times or as often as it can. */
function openNothing(count: number): number {
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
