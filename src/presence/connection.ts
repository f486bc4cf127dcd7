/**
 * The connection of one web page: owns the socket, and enforces the order and the rate of messages.
 *
 * @module
 */
import { type Clock, SYSTEM_CLOCK } from "../async/clock.ts";
import { CLOSE_DEADLINE, type PageSocket } from "../http/page_socket.ts";
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

/** The number of unusable messages after which the connection is closed. */
const MAX_BAD_MESSAGES = 5;

/** The time without a frame after which a ping is sent, in milliseconds; after as long again the connection is cut. */
const SILENCE = 60_000;

/** The most unsent bytes that are buffered for a web page; a connection with more is cut. */
const MAX_UNREAD = 256 * 1024;

/** The codes with which connections are closed (https://www.iana.org/assignments/websocket/). */
export const CLOSE_CODES = {
  refused: 1008,
  tooLong: 1009,
  failed: 1011,
  restart: 1012,
  later: 1013,
} as const;

/** The errors that close the connection at once, each with its close code. */
const CLOSING_ERRORS: { [Code in MessageErrorCode]?: number } = {
  invalid_site_key: CLOSE_CODES.refused,
  message_too_long: CLOSE_CODES.tooLong,
  too_many_visitors: CLOSE_CODES.later,
};

/** A message that comes after the hello. */
export type LaterMessage = Exclude<PageMessage, Hello>;

/** The type of a message in the metrics; `none` for a message that cannot be read. */
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
   * @throws {MessageError} the message cannot be used
   */
  onMessage(connection: Connection, message: LaterMessage): void;
  /**
   * The visitor was removed through the API, and another visitor is about to be created for this connection.
   *
   * @throws {MessageError} no visitor may be created
   */
  onNewVisitor(connection: Connection): void;
  /** A message was handled, or refused with an error. */
  onHandled(type: CountedType, outcome: "ok" | MessageErrorCode): void;
  /** A message could not be handled because of a server error; the connection is closed. */
  onFailure(error: unknown): void;
  /** The connection is closed. Called once. */
  onClosed(connection: Connection): void;
}

/** One web page's connection. */
export class Connection {
  #socket: PageSocket;
  #listener: ConnectionListener;
  #clock: Clock;
  #hasSaidHello = false;
  #isClosed = false;
  #badMessages = 0;
  #messages = 0;
  #periodEnd = 0;
  /** Whether a ping was sent and not answered yet. */
  #isAsked = false;
  #hasComeSince = false;
  #cancelHelloDeadline: () => void;
  #cancelSilence = () => {};
  #cancelCut = () => {};

  /** @param socket an open socket */
  constructor(socket: PageSocket, listener: ConnectionListener, clock: Clock = SYSTEM_CLOCK) {
    this.#socket = socket;
    this.#listener = listener;
    this.#clock = clock;
    this.#cancelHelloDeadline = clock.after(
      HELLO_DEADLINE,
      () => this.#refuse(HELLO_EXPECTED, CLOSE_CODES.refused),
    );
    socket.on(
      "message",
      (data, isBinary) => this.#receive(() => readMessage(isBinary ? data : String(data))),
    );
    socket.on("ping", () => this.#receive(() => null));
    socket.on("pong", () => this.#receivePong());
    socket.on("close", () => this.#end());
    // ws has begun to close the connection: a message was too long, had too many frames, or was no valid frame.
    socket.on("error", ({ code }) => {
      this.#listener.onHandled("none", code === TOO_LONG ? "message_too_long" : "invalid_message");
      this.#cutSoon();
      // ws keeps reading until the other end closes: tens of megabytes may follow, and all would be garbage.
      this.#clock.after(0, () => socket.pause());
    });
    this.#watchSilence();
  }

  /** Sends a message. Does nothing if the connection is not open. */
  send(message: ServerMessage) {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (this.#socket.bufferedAmount > MAX_UNREAD) this.#socket.terminate();
    else this.#socket.send(JSON.stringify(message));
  }

  /**
   * Whether another visitor may be created for this web page. If not, the web page is sent the error and its connection
   * is closed.
   */
  admitNewVisitor(): boolean {
    try {
      this.#listener.onNewVisitor(this);
      return true;
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.#refuse(error, CLOSING_ERRORS[error.code] ?? CLOSE_CODES.refused);
      return false;
    }
  }

  /** Closes the connection. */
  close(code: number, reason: string) {
    this.#cancelHelloDeadline();
    this.#socket.close(code, reason);
    this.#cutSoon();
  }

  /** Cuts the connection if the other end does not answer the close frame in time. */
  #cutSoon() {
    if (this.#isClosed) return;
    this.#cancelCut();
    this.#cancelCut = this.#clock.after(CLOSE_DEADLINE, () => {
      this.#socket.terminate();
      this.#end();
    });
  }

  #watchSilence() {
    this.#cancelSilence = this.#clock.after(SILENCE, () => {
      if (this.#isAsked && !this.#hasComeSince) return this.#socket.terminate();
      this.#isAsked = !this.#hasComeSince;
      this.#hasComeSince = false;
      if (this.#isAsked && this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
      this.#watchSilence();
    });
  }

  #end() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelHelloDeadline();
    this.#cancelSilence();
    this.#cancelCut();
    this.#listener.onClosed(this);
  }

  /** One pong answers a ping. Unsolicited pongs count as messages, since each costs as much as one. */
  #receivePong() {
    if (this.#isAsked && !this.#hasComeSince) this.#hasComeSince = true;
    else this.#receive(() => null);
  }

  /** @param read parses the frame; returns `null` for a frame without a message */
  #receive(read: () => PageMessage | null) {
    this.#hasComeSince = true;
    // The message was under way when the connection was closed.
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    let type: CountedType = "none";
    try {
      this.#countMessage();
      const message = read();
      if (message === null) return;
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

  /** @param code the close code; `null` keeps the connection open */
  #refuse({ code: error, message }: MessageError, code: number | null) {
    this.send({ type: "error", error, message });
    if (code !== null) this.close(code, error);
  }
}

/** The error code of ws for a message over `maxPayload`. */
const TOO_LONG = "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";

const HELLO_EXPECTED = new MessageError("hello_expected", "The first message must be a hello.");
