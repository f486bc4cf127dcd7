/**
 * A site with an origin of its own that uses Foyer, for the tests in a browser.
 *
 * @module
 */

/** A web page of the site. */
export interface SitePage {
  html: string;
  csp?: string;
  type?: string;
}

/** A web server with a few web pages. */
export class Site implements AsyncDisposable {
  readonly url: string;
  readonly #pages = new Map<string, SitePage>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
      const { pathname } = new URL(request.url);
      // A browser with all features asks for an icon, and logs a 404 as an error of the web page.
      if (pathname === "/favicon.ico") return new Response(null, { status: 204 });
      const page = this.#pages.get(pathname);
      if (page === undefined) return new Response(null, { status: 404 });
      return new Response(page.html, {
        headers: {
          "Content-Type": page.type ?? "text/html; charset=utf-8",
          ...(page.csp === undefined ? {} : { "Content-Security-Policy": page.csp }),
        },
      });
    });
    this.url = `http://localhost:${this.#server.addr.port}`;
  }

  /** Adds a web page, and returns its URL. */
  add(path: string, page: SitePage | string): string {
    this.#pages.set(path, typeof page === "string" ? { html: page } : page);
    return this.url + path;
  }

  async [Symbol.asyncDispose]() {
    await this.#server.shutdown();
  }
}
