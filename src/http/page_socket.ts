/**
 * The WebSocket of a web page, as what answers requests sees it.
 *
 * @module
 */

/** The longest message that the library assembles, in bytes: a longer one is never in memory. */
export const MAX_PAYLOAD = 32 * 1024;

/** The most frames of which one message may be made. */
export const MAX_FRAGMENTS = 16;

/** How long a web page may take to answer a close, in milliseconds; then its connection is cut. */
export const CLOSE_DEADLINE = 3000;

/** A WebSocket. */
export interface PageSocket {
  /** As in browsers, see `WebSocket.OPEN`. */
  readonly readyState: number;
  /** Bytes that wait for the other end to read. */
  readonly bufferedAmount: number;
  send(text: string): void;
  ping(): void;
  /** Begins the closing handshake. */
  close(code: number, reason: string): void;
  /** Reads nothing more, so that the other end cannot send on. */
  pause(): void;
  /** Ends the connection at once, whatever the other end does. */
  terminate(): void;
  on(event: "message", listener: (data: { toString(): string }, isBinary: boolean) => void): void;
  on(event: "ping" | "pong" | "close", listener: () => void): void;
  on(event: "error", listener: (error: { code?: string }) => void): void;
}
