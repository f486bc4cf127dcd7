/**
 * The origin of a web page.
 *
 * @module
 */
import { isAppOrigin } from "../config_values.ts";

/**
 * The origin of a web page's URL, as its browser sends it; `null` where it is none of a web page, which an agent could
 * not open.
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
  // URL knows no origin of other schemes.
  const origin = `${url.protocol}//${url.host}`;
  return isAppOrigin(origin) ? origin : null;
}

/** Whether a web page of this origin may be at a URL; an origin of `null` is not known. */
export function isPageOf(url: URL, origin: string | null): boolean {
  // Without the header nothing shows that it is an app.
  return origin === null ? isHttp(url) : originOfPage(url) === origin;
}

function isHttp({ protocol }: URL): boolean {
  return protocol === "http:" || protocol === "https:";
}
