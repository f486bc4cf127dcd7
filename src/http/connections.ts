/**
 * The connections of a server. When few more files can be opened, silent connections are closed, and never one that
 * is at work.
 *
 * @module
 */
import type { Socket } from "node:net";
import { type Clock, SYSTEM_CLOCK } from "../async/clock.ts";
import type { Log } from "../operations/log.ts";
import { OpenFiles } from "./open_files.ts";

/** The least time between two lines in the log, in milliseconds. */
const LOG_INTERVAL = 60_000;

/** All connections of a server. */
export class Connections {
  #files: OpenFiles;
  #log: Log;
  #clock: Clock;
  #open = new Set<Socket>();
  /**
   * Connections without a request that is being answered, and of web pages that have sent nothing; the longest silent
   * first.
   */
  #silent = new Set<Socket>();
  #loggedAt = -Infinity;

  constructor(log: Log, files: OpenFiles = new OpenFiles(), clock: Clock = SYSTEM_CLOCK) {
    this.#log = log;
    this.#files = files;
    this.#clock = clock;
  }

  /** Adds a new connection, or closes it at once if there is no room and all others are at work. */
  accept(socket: Socket) {
    this.#open.add(socket);
    this.#files.noteOpened();
    socket.once("close", () => this.#forget(socket));
    if (this.#makeRoomFor("request")) this.#silent.add(socket);
    else this.#drop(socket);
  }

  /**
   * Whether there was no room at some time since the last call, so that the runtime may have failed to accept a
   * connection.
   */
  wereShort(): boolean {
    return this.#files.wasShort();
  }

  /** Whether a connection may stay as a web page's. */
  admitPage(): boolean {
    return this.#makeRoomFor("page");
  }

  /** Notes that a connection is at work: a request has come, or a web page's first message. */
  begin(socket: Socket) {
    this.#silent.delete(socket);
  }

  /** Notes that the request is answered, and the connection silent. */
  end(socket: Socket) {
    if (this.#open.has(socket)) this.#silent.add(socket);
  }

  /** @returns whether there is room, perhaps since a silent connection was closed */
  #makeRoomFor(use: "request" | "page"): boolean {
    if (this.#files.hasRoomFor(use)) return true;
    if (this.#clock.now() - this.#loggedAt > LOG_INTERVAL) {
      this.#loggedAt = this.#clock.now();
      this.#log(
        "Too many open files, closing silent connections: raise the limit of open files",
        "warning",
      );
    }
    const [silent] = this.#silent;
    if (silent === undefined) return false;
    this.#drop(silent);
    return true;
  }

  #drop(socket: Socket) {
    this.#forget(socket);
    socket.destroy();
  }

  #forget(socket: Socket) {
    this.#silent.delete(socket);
    if (this.#open.delete(socket)) this.#files.noteClosed();
  }
}
