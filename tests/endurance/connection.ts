/**
 * A client's connection that reports what happened to each request. `fetch` hides that, since it retries by itself.
 *
 * @module
 */

/** A complete answer. */
export interface Answer {
  status: number;
  /** Whether the server accepts no further request on this connection. */
  isLast: boolean;
}

/** The connection ended before the answer was complete. */
export class ConnectionLost extends Error {
  /** @param received the number of bytes of the answer that were received */
  constructor(readonly received: number) {
    super(`The connection ended after ${received} bytes of an answer`);
  }
}

/** A connection to a server on this machine. */
export class Connection implements Disposable {
  /** The number of requests that were answered on this connection. */
  answered = 0;
  #conn: Deno.TcpConn;
  #buffer = new Uint8Array(65536);

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  static async open(port: number): Promise<Connection> {
    return new Connection(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /**
   * Sends a request, and waits for the complete answer.
   *
   * @throws {ConnectionLost} the connection ended before that
   */
  async get(path: string, headers: Record<string, string>): Promise<Answer> {
    const lines = [`GET ${path} HTTP/1.1`, "Host: 127.0.0.1"];
    for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
    let [received, head, end] = [0, "", -1];
    const read = async () => {
      const count = await this.#conn.read(this.#buffer);
      if (count === null) throw new ConnectionLost(received);
      received += count;
      if (end < 0) head += String.fromCharCode(...this.#buffer.subarray(0, Math.min(count, 8192)));
    };
    try {
      await this.#conn.write(new TextEncoder().encode(lines.join("\r\n") + "\r\n\r\n"));
      while ((end = head.indexOf("\r\n\r\n")) < 0) await read();
      const [, length] = /^content-length: (\d+)/im.exec(head.slice(0, end))!;
      while (received < end + 4 + Number(length)) await read();
    } catch (error) {
      throw error instanceof ConnectionLost ? error : new ConnectionLost(received);
    }
    this.answered++;
    return { status: Number(head.slice(9, 12)), isLast: /^connection: close/im.test(head.slice(0, end)) };
  }

  [Symbol.dispose]() {
    this.#conn.close();
  }
}
