/**
 * Distinguishes visitors that come by the web SDK from those that other software stored.
 *
 * @module
 */
import type { Visitor } from "./visitor.ts";

/**
 * Whether a visitor comes by the web SDK of this installation, so that its connections alone decide whether it is online
 * and which lookup code it has. Both attributes are part of an export, so an imported copy is recognised too.
 *
 * @param siteKey the installation's `SITE_KEY`, which the visitor's web page sent
 */
export function comesByWebSdk({ api_key, sdk }: Pick<Visitor, "api_key" | "sdk">, siteKey: string): boolean {
  return api_key === siteKey && sdk !== null;
}
