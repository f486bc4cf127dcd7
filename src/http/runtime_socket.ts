/**
 * The runtime's own WebSocket as a {@link PageSocket}, for versions of Deno whose `node:http` cannot be relied on.
 *
 * @module
 */
import type { PageSocket } from "./page_socket.ts";

/** A WebSocket of `Deno.upgradeWebSocket`, which answers pings, sends its own and shows neither. */
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

  /** The runtime itself ends a connection that does not answer. */
  ping() {
    this.#onPong();
  }

  close(code: number, reason: string) {
    try {
      this.#socket.close(code, reason);
    } catch {
      // It is not open yet.
    }
  }

  pause() {}

  terminate() {
    this.close(1001, "");
  }

  // deno-lint-ignore no-explicit-any -- each event's listener is another one
  on(event: "message" | "ping" | "pong" | "close" | "error", listener: any) {
    if (event === "message") {
      this.#socket.onmessage = ({ data }) => listener(data, typeof data !== "string");
    } else if (event === "close") this.#socket.onclose = this.#socket.onerror = () => listener();
    else if (event === "pong") this.#onPong = listener;
  }
}
