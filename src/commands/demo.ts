/**
 * The demo shop, a site with the web SDK. Not a part of the executable.
 *
 * @module
 */
import type { Config } from "../config.ts";
import { answer } from "../http/answer.ts";
import type { Methods } from "../http/endpoint.ts";

/** The shop's routes; none if web pages cannot connect (no `SITE_KEY`). All its web pages are the same document. */
export function demoRoutes({ presence, baseEndpoint }: Config): Record<string, Methods> {
  if (presence === null) return {};
  const page = Deno.readTextFileSync(new URL("demo.html", import.meta.url));
  const connectOrigin = new URL(baseEndpoint).origin.replace(/^http/, "ws");
  const shop: Methods = {
    GET: (context) => {
      const nonce = crypto.randomUUID();
      const values: Record<string, string> = {
        NONCE: nonce,
        // Relative to the request's path, so that any host name of this machine works.
        SDK_URL: `${context.req.path.replace(/\/demo(\/.*)?$/, "")}/sdk.js`,
        API_KEY: presence.siteKey,
      };
      const html = page.replace(/\{\{(\w+)\}\}/g, (_, name) => escapeHtml(values[name]));
      return answer(context, 200, html, {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": [
          "default-src 'none'",
          `script-src 'self' 'nonce-${nonce}'`,
          `style-src 'nonce-${nonce}'`,
          `connect-src 'self' ${connectOrigin}`,
          "img-src data:",
          "base-uri 'none'",
          "frame-ancestors 'none'",
        ].join("; "),
      });
    },
  };
  const watch: Methods = {
    GET: (context) => {
      const shortId = escapeHtml(context.req.param("short_id")!);
      const home = context.req.path.replace(/\/demo\/watch\/[^/]*$/, "/demo");
      return answer(context, 200, watchPage(shortId, escapeHtml(home)), {
        "Content-Type": "text/html; charset=utf-8",
      });
    },
  };
  return { "/demo/watch/{short_id}": watch, "/demo": shop, "/demo/*": shop };
}

/** The web page behind the demo's `watch_link`; explains what would be there in production. Escapes its arguments. */
function watchPage(shortId: string, home: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Watching ${shortId}</title>
<h1>Here an agent would watch visitor ${shortId}</h1>
<p>Foyer knows who is on the site; co-browsing is another server's work. A visitor's <code>watch_link</code> leads to
that server: set <code>WATCH_LINK</code> to its URL, such as
<code>https://support.example.com/watch/{short_id}</code>.</p>
<p><a href="${home}">To the demo shop</a></p>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
