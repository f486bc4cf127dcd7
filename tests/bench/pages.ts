/**
 * A process with thousands of clients that connect to Foyer like the web SDK. It reads orders as lines of JSON from
 * standard input, and answers each with a line of JSON.
 *
 * @module
 */
import { stdin } from "node:process";
import { createInterface } from "node:readline";
import { quantile } from "../endurance/bar.ts";

/** An order to the process; times are in milliseconds. */
export type Order =
  /** Connects `count` web pages, `atOnce` of them at a time. */
  | { do: "connect"; count: number; atOnce: number }
  /** Makes each web page report another URL once in this time. */
  | { do: "view"; every: number }
  /** Opens `rate` web pages a second, for a time, and measures when the API shows each visitor. */
  | { do: "appear"; rate: number; time: number }
  /** Closes `count` web pages. */
  | { do: "close"; count: number }
  | { do: "report" };

/** The answer to an order. */
export interface Report {
  connected: number;
  /** The number of web pages whose connection was lost. */
  lost: number;
  /** How long the order took, in seconds. */
  seconds: number;
  /** The 99th percentile of the time until the API shows a new visitor, in milliseconds; and the number of visitors. */
  p99?: number;
  appeared?: number;
}

const [url, kind] = Deno.args;
const isEcho = kind === "echo";
const pages: Page[] = [];
let lost = 0;

/** A web page that reconnects when its connection is lost. */
class Page {
  shortId = "";
  #token: string | undefined;
  #socket!: WebSocket;
  #after = 0;
  #isClosed = false;
  #welcomed = Promise.withResolvers<void>();

  constructor() {
    this.#connect();
  }

  get welcomed(): Promise<void> {
    return this.#welcomed.promise;
  }

  get isConnected(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  #connect() {
    const socket = new WebSocket(url.replace(/^http/, "ws") + "/connect");
    this.#socket = socket;
    socket.onopen = () =>
      this.#send({
        type: "hello",
        site_key: "site",
        token: this.#token,
        sdk: "web 1.0.0",
        url: `https://shop.example/products/${pages.length}`,
        is_supported: true,
        js_configuration: true,
      });
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    socket.onclose = () => {
      if (this.#isClosed) return;
      lost++;
      const wait = this.#after || 1000 * (0.5 + Math.random() / 2);
      this.#after = 0;
      setTimeout(() => this.#connect(), wait);
    };
  }

  // deno-lint-ignore no-explicit-any -- an echo server may send any message
  #hear(message: any) {
    if (message.type === "reconnect") this.#after = message.after;
    if (message.type !== "welcome" && !isEcho) return;
    this.shortId = message.short_id;
    this.#token = message.token;
    this.#welcomed.resolve();
  }

  #send(message: unknown) {
    if (this.isConnected) this.#socket.send(JSON.stringify(message));
  }

  view(path: string) {
    this.#send({ type: "page", url: `https://shop.example/${path}` });
  }

  close() {
    this.#isClosed = true;
    this.#socket.close();
  }
}

async function obey(order: Order): Promise<Partial<Report>> {
  switch (order.do) {
    case "connect": {
      let left = order.count;
      await Promise.all(Array.from({ length: order.atOnce }, async () => {
        while (left-- > 0) {
          const page = new Page();
          pages.push(page);
          await page.welcomed;
        }
      }));
      return {};
    }
    case "view": {
      let next = 0;
      setInterval(() => {
        const until = next + Math.ceil(pages.length * 100 / order.every);
        for (; next < until; next++) pages[next % pages.length]?.view(`views/${next}`);
      }, 100);
      return {};
    }
    case "appear":
      return await appear(order.rate, order.time);
    case "close":
      for (const page of pages.splice(0, order.count)) page.close();
      return {};
    case "report":
      return {};
  }
}

async function appear(rate: number, time: number): Promise<Partial<Report>> {
  const times: number[] = [];
  const work: Promise<void>[] = [];
  const start = performance.now();
  while (performance.now() - start < time) {
    work.push((async () => {
      const opened = performance.now();
      const page = new Page();
      await page.welcomed;
      while (!await isListed(page.shortId)) await new Promise((resolve) => setTimeout(resolve, 20));
      times.push(performance.now() - opened);
      page.close();
    })());
    await new Promise((resolve) => setTimeout(resolve, 1000 / rate));
  }
  await Promise.all(work);
  return { p99: quantile(times, 0.99), appeared: times.length };
}

async function isListed(shortId: string): Promise<boolean> {
  const response = await fetch(`${url}/api/visitors/${shortId}`, { headers: { Authorization: "bench" } });
  const { visitor } = await response.json();
  return visitor?.is_online === true;
}

if (import.meta.main) {
  for await (const line of createInterface({ input: stdin })) {
    const start = performance.now();
    const report = await obey(JSON.parse(line));
    const seconds = (performance.now() - start) / 1000;
    const connected = pages.filter((page) => page.isConnected).length;
    console.log(JSON.stringify({ connected, lost, seconds, ...report } satisfies Report));
  }
  Deno.exit(0);
}
