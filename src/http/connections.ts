/**
 * The connections of a server: where files are short those are closed that say nothing, never those that are at work.
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
  /** Those without a request that is being answered, and web pages that have said nothing; silent for longest first. */
  #silent = new Set<Socket>();
  #loggedAt = -Infinity;

  constructor(log: Log, files: OpenFiles = new OpenFiles(), clock: Clock = SYSTEM_CLOCK) {
    this.#log = log;
    this.#files = files;
    this.#clock = clock;
  }

  /** Takes a connection that was accepted, or closes it at once where all others are at work. */
  accept(socket: Socket) {
    this.#open.add(socket);
    this.#files.noteOpened();
    socket.once("close", () => this.#forget(socket));
    if (this.#makeRoomFor("request")) this.#silent.add(socket);
    else this.#drop(socket);
  }

  /** Whether files were short since this was asked last, so that connections may have failed that were not accepted. */
  wereShort(): boolean {
    return this.#files.wasShort();
  }

  /** Whether a connection may stay as a web page's. */
  admitPage(): boolean {
    return this.#makeRoomFor("page");
  }

  /** A request has come, or a web page's first message. */
  begin(socket: Socket) {
    this.#silent.delete(socket);
  }

  /** The request is answered. */
  end(socket: Socket) {
    if (this.#open.has(socket)) this.#silent.add(socket);
  }

  /** @returns whether there is room, perhaps since a silent connection was closed */
  #makeRoomFor(use: "request" | "page"): boolean {
    if (this.#files.hasRoomFor(use)) return true;
    if (this.#clock.now() - this.#loggedAt > LOG_INTERVAL) {
      this.#loggedAt = this.#clock.now();
      this.#log(
        "Files are short, closing connections that say nothing: raise the limit of open files",
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
