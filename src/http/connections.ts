/**
 * The connections of a server. When only few more files can be opened, idle connections are closed, and never one with a
 * request under way.
 *
 * @module
 */
import type { Socket } from "node:net";
import { type Clock, SYSTEM_CLOCK } from "../async/clock.ts";
import type { Log } from "../operations/log.ts";
import { OpenFiles } from "./open_files.ts";

/** The least time between two log lines about too many open files, in milliseconds. */
const LOG_INTERVAL = 60_000;

/** All connections of a server. */
export class Connections {
  #files: OpenFiles;
  #log: Log;
  #clock: Clock;
  #open = new Set<Socket>();
  /**
   * Connections without a request under way, and WebSockets of web pages that have not sent a message yet; the one that
   * has been idle longest comes first.
   */
  #idle = new Set<Socket>();
  #loggedAt = -Infinity;

  constructor(log: Log, files: OpenFiles = new OpenFiles(), clock: Clock = SYSTEM_CLOCK) {
    this.#log = log;
    this.#files = files;
    this.#clock = clock;
  }

  /** Adds a new connection; closes it at once if there is no room and no other connection is idle. */
  accept(socket: Socket) {
    this.#open.add(socket);
    this.#files.noteOpened();
    socket.once("close", () => this.#forget(socket));
    if (this.#makeRoomFor("request")) this.#idle.add(socket);
    else this.#drop(socket);
  }

  /**
   * Whether there was no room at some time since the last call, so that the runtime may have failed to accept a
   * connection (see {@link OpenFiles.wasShort}).
   */
  wereShort(): boolean {
    return this.#files.wasShort();
  }

  /** Whether a connection may become a web page's WebSocket; may close an idle connection to make room. */
  admitPage(): boolean {
    return this.#makeRoomFor("page");
  }

  /** Notes that a connection is in use: a request has come, or a web page's first message. */
  begin(socket: Socket) {
    this.#idle.delete(socket);
  }

  /** Notes that the request is answered, so that the connection is idle. */
  end(socket: Socket) {
    if (this.#open.has(socket)) this.#idle.add(socket);
  }

  /** Makes room by closing an idle connection if necessary; returns whether there is room. */
  #makeRoomFor(use: "request" | "page"): boolean {
    if (this.#files.hasRoomFor(use)) return true;
    if (this.#clock.now() - this.#loggedAt > LOG_INTERVAL) {
      this.#loggedAt = this.#clock.now();
      this.#log(
        "Too many open files, closing idle connections: raise the limit of open files",
        "warning",
      );
    }
    const [idle] = this.#idle;
    if (idle === undefined) return false;
    this.#drop(idle);
    return true;
  }

  #drop(socket: Socket) {
    this.#forget(socket);
    socket.destroy();
  }

  #forget(socket: Socket) {
    this.#idle.delete(socket);
    if (this.#open.delete(socket)) this.#files.noteClosed();
  }
}
