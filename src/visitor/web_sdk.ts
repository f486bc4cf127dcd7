/**
 * Visitors that come by the web SDK, as distinct from those that other software stored.
 *
 * @module
 */
import type { Visitor } from "./visitor.ts";

/**
 * Whether a visitor comes by the web SDK of this installation, so that its connections alone decide whether it is online
 * and which lookup code it has. A copy of it, such as an export, says so as well.
 *
 * @param siteKey the installation's, which the visitor's web page gave
 */
export function comesByWebSdk({ api_key, sdk }: Pick<Visitor, "api_key" | "sdk">, siteKey: string): boolean {
  return api_key === siteKey && sdk !== null;
}
