/**
 * The WebSocket of a web page, as an interface that two libraries implement.
 *
 * @module
 */

/** The longest message that is accepted, in bytes; a longer one closes the connection before it is in memory. */
export const MAX_PAYLOAD = 32 * 1024;

/** The most frames of one message. */
export const MAX_FRAGMENTS = 16;

/** How long a web page may take to answer a close frame, in milliseconds; then its connection is ended. */
export const CLOSE_DEADLINE = 3000;

/** A WebSocket of a web page. */
export interface PageSocket {
  /** As in browsers, see `WebSocket.OPEN`. */
  readonly readyState: number;
  /** The number of bytes that are not sent yet, since the peer has not read enough. */
  readonly bufferedAmount: number;
  send(text: string): void;
  ping(): void;
  /** Begins the closing handshake. */
  close(code: number, reason: string): void;
  /** Stops reading, so that the peer cannot send more. */
  pause(): void;
  /** Ends the connection at once, without a closing handshake. */
  terminate(): void;
  on(event: "message", listener: (data: { toString(): string }, isBinary: boolean) => void): void;
  on(event: "ping" | "pong" | "close", listener: () => void): void;
  on(event: "error", listener: (error: { code?: string }) => void): void;
}
