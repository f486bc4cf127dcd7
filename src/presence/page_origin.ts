/**
 * The origin of a web page.
 *
 * @module
 */
import { isAppOrigin } from "../config_values.ts";

/**
 * The origin of a web page's URL, in the form that browsers send as `Origin`; `null` if the URL is not one of a web
 * page, so that an agent could not open it.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(originOfPage(new URL("https://Shop.example:443/cart")), "https://shop.example");
 * assert.equal(originOfPage(new URL("capacitor://localhost/cart")), "capacitor://localhost");
 * assert.equal(originOfPage(new URL("javascript://shop.example/%0aalert(1)")), null);
 * ```
 */
export function originOfPage(url: URL): string | null {
  if (isHttp(url)) return url.origin;
  // `URL.origin` is "null" for an app's scheme.
  const origin = `${url.protocol}//${url.host}`;
  return isAppOrigin(origin) ? origin : null;
}

/** Whether a URL belongs to a web page's origin; with an unknown origin (`null`), any http or https URL does. */
export function isPageOf(url: URL, origin: string | null): boolean {
  // Only the `Origin` header shows that the client is an app.
  return origin === null ? isHttp(url) : originOfPage(url) === origin;
}

function isHttp({ protocol }: URL): boolean {
  return protocol === "http:" || protocol === "https:";
}
