/**
 * The connection of one web page: its socket, the order and the number of its messages.
 *
 * @module
 */
import { type Clock, SYSTEM_CLOCK } from "../async/clock.ts";
import {
  type Hello,
  MessageError,
  type MessageErrorCode,
  type PageMessage,
  readMessage,
  type ServerMessage,
} from "./messages.ts";

/** A web page must say hello within this time, in milliseconds. */
const HELLO_DEADLINE = 10_000;

/** The most messages that a web page may send in a period, and the period in milliseconds. */
const MAX_MESSAGES = 20;
const MESSAGES_PERIOD = 10_000;

/** The connection is closed after so many messages that cannot be used. */
const MAX_BAD_MESSAGES = 5;

/** The codes with which connections are closed (https://www.iana.org/assignments/websocket/). */
export const CLOSE_CODES = {
  refused: 1008,
  tooLong: 1009,
  failed: 1011,
  restart: 1012,
  later: 1013,
} as const;

/** The errors that close the connection at once, and with which code. */
const CLOSING_ERRORS: { [Code in MessageErrorCode]?: number } = {
  invalid_site_key: CLOSE_CODES.refused,
  message_too_long: CLOSE_CODES.tooLong,
  too_many_visitors: CLOSE_CODES.later,
};

/** A message that comes after the hello. */
export type LaterMessage = Exclude<PageMessage, Hello>;

/** The type of a message as it is counted; `none` where it cannot be read. */
export type CountedType = PageMessage["type"] | "none";

/** Receives the events of connections. */
export interface ConnectionListener {
  /**
   * The first message.
   *
   * @throws {MessageError} the web page is refused
   */
  onHello(connection: Connection, hello: Hello): void;
  /**
   * A message after the hello.
   *
   * @throws {MessageError} it cannot be used
   */
  onMessage(connection: Connection, message: LaterMessage): void;
  /** A message was handled, or refused with an error. */
  onHandled(type: CountedType, outcome: "ok" | MessageErrorCode): void;
  /** A message could not be handled for a reason of the server's own; the connection is closed. */
  onFailure(error: unknown): void;
  /** The connection is closed. Called once. */
  onClosed(connection: Connection): void;
}

/** One web page's connection. */
export class Connection {
  #socket: WebSocket;
  #listener: ConnectionListener;
  #clock: Clock;
  #hasSaidHello = false;
  #isClosed = false;
  #badMessages = 0;
  #messages = 0;
  #periodEnd = 0;
  #cancelHelloDeadline: () => void;

  /** @param socket which may still be opening */
  constructor(socket: WebSocket, listener: ConnectionListener, clock: Clock = SYSTEM_CLOCK) {
    this.#socket = socket;
    this.#listener = listener;
    this.#clock = clock;
    this.#cancelHelloDeadline = clock.after(
      HELLO_DEADLINE,
      () => this.#refuse(HELLO_EXPECTED, CLOSE_CODES.refused),
    );
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = () => this.#end();
    socket.onerror = () => this.#end();
  }

  /** Sends a message, where the connection is open. */
  send(message: ServerMessage) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Closes the connection. */
  close(code: number, reason: string) {
    this.#cancelHelloDeadline();
    try {
      this.#socket.close(code, reason);
    } catch {
      // It is not open yet, and no event will follow.
      this.#end();
    }
  }

  #end() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelHelloDeadline();
    this.#listener.onClosed(this);
  }

  #receive(data: unknown) {
    // Messages that were on their way when the connection was closed.
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    let type: CountedType = "none";
    try {
      this.#countMessage();
      const message = readMessage(data);
      ({ type } = message);
      this.#handle(message);
      this.#listener.onHandled(type, "ok");
    } catch (error) {
      if (!(error instanceof MessageError)) {
        this.#listener.onFailure(error);
        return this.close(CLOSE_CODES.failed, "failed");
      }
      this.#listener.onHandled(type, error.code);
      this.#badMessages++;
      const isLast = this.#badMessages >= MAX_BAD_MESSAGES;
      this.#refuse(error, CLOSING_ERRORS[error.code] ?? (isLast ? CLOSE_CODES.refused : null));
    }
  }

  #handle(message: PageMessage) {
    if (message.type === "hello") {
      if (this.#hasSaidHello) {
        throw new MessageError("invalid_message", "Only the first message may be a hello.");
      }
      this.#listener.onHello(this, message);
      this.#hasSaidHello = true;
      this.#cancelHelloDeadline();
    } else {
      if (!this.#hasSaidHello) throw HELLO_EXPECTED;
      this.#listener.onMessage(this, message);
    }
  }

  #countMessage() {
    const now = this.#clock.now();
    if (now >= this.#periodEnd) {
      this.#periodEnd = now + MESSAGES_PERIOD;
      this.#messages = 0;
    }
    if (++this.#messages > MAX_MESSAGES) {
      throw new MessageError("too_many_messages", "Too many messages were sent: this one is ignored.");
    }
  }

  /** @param code closes the connection; `null`: it stays open */
  #refuse({ code: error, message }: MessageError, code: number | null) {
    this.send({ type: "error", error, message });
    if (code !== null) this.close(code, error);
  }
}

const HELLO_EXPECTED = new MessageError("hello_expected", "The first message must be a hello.");
