/**
 * A client's connection that tells what became of a request, which `fetch` hides: it asks again by itself.
 *
 * @module
 */

/** An answer that came to its end. */
export interface Answer {
  status: number;
  /** Whether the server takes no further request on this connection. */
  isLast: boolean;
}

/** The connection ended before the answer did. */
export class ConnectionLost extends Error {
  /** @param received bytes of the answer */
  constructor(readonly received: number) {
    super(`The connection ended after ${received} bytes of an answer`);
  }
}

/** A connection to a server on this machine. */
export class Connection implements Disposable {
  /** How many requests were answered on it. */
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
   * Asks, and waits for all of the answer.
   *
   * @throws {ConnectionLost}
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
