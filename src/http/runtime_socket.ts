/**
 * The runtime's own WebSocket as a {@link PageSocket}, for versions of Deno whose `node:http` cannot upgrade reliably.
 *
 * @module
 */
import type { PageSocket } from "./page_socket.ts";

/** A WebSocket of `Deno.upgradeWebSocket`. The runtime sends and answers pings itself, and reports none. */
export class RuntimeSocket implements PageSocket {
  #socket: WebSocket;
  #onPong = () => {};

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  get readyState(): number {
    return this.#socket.readyState;
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  send(text: string) {
    this.#socket.send(text);
  }

  /** Reports a pong at once, since the runtime itself pings, and ends a connection that does not answer. */
  ping() {
    this.#onPong();
  }

  close(code: number, reason: string) {
    try {
      this.#socket.close(code, reason);
    } catch {
      // The socket is not open yet.
    }
  }

  pause() {}

  terminate() {
    this.close(1001, "");
  }

  // deno-lint-ignore no-explicit-any -- the listeners of different events have different types
  on(event: "message" | "ping" | "pong" | "close" | "error", listener: any) {
    if (event === "message") {
      this.#socket.onmessage = ({ data }) => listener(data, typeof data !== "string");
    } else if (event === "close") this.#socket.onclose = this.#socket.onerror = () => listener();
    else if (event === "pong") this.#onPong = listener;
  }
}
