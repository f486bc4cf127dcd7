/**
 * A server like that of `deno task dev`, for the tests in a browser.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Visitor, VisitorChange } from "../../src/visitor/visitor.ts";
import { freePort } from "../support/ports.ts";
import { fromSource, Process } from "../support/processes.ts";

export const SITE_KEY = "site-key-of-the-tests";
export const REST_KEY = "rest-key-of-the-tests";
const REST_WRITE_KEY = "write-key-of-the-tests";

/** In seconds. Longer than a page takes to load on a slow machine. */
const OFFLINE_GRACE = 2;

/** Waits until a function returns a truthy value, and returns that. */
export async function until<T>(
  sentence: string,
  look: () => T | Promise<T>,
  ms = 20_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + ms;
  while (true) {
    const found = await look();
    if (found) return found;
    assert.ok(performance.now() < end, `${sentence}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

/** A server that a test can stop and start again, on the same port and with the same visitors. */
export class Installation implements AsyncDisposable {
  readonly port = freePort();
  readonly url = `http://localhost:${this.port}`;
  readonly #folder: string;
  readonly #environment: Record<string, string>;
  #process: Process | null = null;

  /** @param origins the allowed origins, beside those of the demo shop */
  constructor(folder: string, origins: string[], store: Record<string, string>) {
    this.#folder = folder;
    this.#environment = {
      HOST: "127.0.0.1",
      PORT: `${this.port}`,
      BASE_ENDPOINT: this.url,
      REST_KEY,
      REST_WRITE_KEY,
      SITE_KEY,
      SECRET_KEY: "secret-key-of-the-tests-with-enough-characters",
      ALLOWED_ORIGINS: [this.url, ...origins].join(","),
      OFFLINE_GRACE: `${OFFLINE_GRACE}`,
      NEW_VISITORS_PER_MINUTE: "0",
      LOOKUP_MISSES_PER_MINUTE: "1000",
      RATE_LIMIT: "1000",
      ...store,
    };
  }

  async start() {
    this.#process = new Process(
      fromSource(this.#folder, ["--still"], this.#environment, "src/commands/dev.ts"),
    );
    await this.#process.until(/Listening on/);
  }

  async stop(signal: "SIGTERM" | "SIGKILL") {
    await this.#process?.stop(signal);
    this.#process = null;
  }

  /** The visitors online. */
  async latest(): Promise<Visitor[]> {
    return (await this.#ask("list/latest?max_results=1000")).visitors;
  }

  async search(q: string): Promise<Visitor[]> {
    return (await this.#ask(`list/search?q=${encodeURIComponent(q)}`)).visitors;
  }

  async visitor(shortId: string): Promise<Visitor | undefined> {
    return (await this.#ask(encodeURIComponent(shortId))).visitor;
  }

  /** Changes a visitor through the API, like an agent. */
  async change(shortId: string, change: VisitorChange): Promise<Visitor> {
    return (await this.#ask(encodeURIComponent(shortId), {
      method: "PATCH",
      headers: { Authorization: REST_WRITE_KEY },
      body: JSON.stringify(change),
    })).visitor;
  }

  /** The paths of a visitor's last web pages, the newest first. */
  async pages(shortId: string): Promise<string[]> {
    const { pages } = await this.#ask(`${encodeURIComponent(shortId)}/pages`);
    return pages.map(({ url }: { url: string }) => new URL(url).pathname);
  }

  async #ask(path: string, init: RequestInit = { headers: { Authorization: REST_KEY } }) {
    const response = await fetch(`${this.url}/api/visitors/${path}`, init);
    assert.ok(response.status === 200 || response.status === 404, `${path}: ${response.status}`);
    return await response.json();
  }

  /** Waits until a visitor passes a test. */
  async untilVisitor(
    shortId: string,
    sentence: string,
    test: (visitor: Visitor) => boolean,
  ): Promise<Visitor> {
    let last: Visitor | undefined;
    try {
      return await until(sentence, async () => {
        last = await this.visitor(shortId);
        return last !== undefined && test(last) ? last : null;
      });
    } catch (error) {
      throw new Error(`${(error as Error).message}, but ${JSON.stringify(last)}`);
    }
  }

  untilOnline(shortId: string): Promise<Visitor> {
    return this.untilVisitor(shortId, "it is online", ({ is_online }) => is_online);
  }

  untilOffline(shortId: string): Promise<Visitor> {
    return this.untilVisitor(shortId, "it is offline", ({ is_online }) => !is_online);
  }

  /** Polls a visitor, and records whether it was ever offline. */
  watch(shortId: string): AsyncDisposable & { wasOffline: boolean } {
    let goesOn = true;
    const watched = {
      wasOffline: false,
      async [Symbol.asyncDispose]() {
        goesOn = false;
        await looking;
      },
    };
    const looking = (async () => {
      while (goesOn) {
        if (!(await this.visitor(shortId))?.is_online) watched.wasOffline = true;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    return watched;
  }

  async [Symbol.asyncDispose]() {
    await this.#process?.[Symbol.asyncDispose]();
  }
}
