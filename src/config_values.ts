/**
 * Parsers for values of environment variables. Each returns `undefined` for a value that cannot be used.
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import { fillWatchLink, LINK } from "./visitor/watch_link.ts";

/** Reads a whole number within bounds, both included. */
export function readNumber(given: string, least: number, most: number): number | undefined {
  const isWithin = /^[0-9]{1,7}$/.test(given) && Number(given) >= least && Number(given) <= most;
  return isWithin ? Number(given) : undefined;
}

/** Reads a public URL: returns it without a trailing slash, and its decoded path; `null` for an empty value. */
export function readBaseEndpoint(given: string): { baseEndpoint: string; prefix: string } | null | undefined {
  if (given === "") return null;
  const url = URL.parse(given);
  if (url === null || !/^https?:$/.test(url.protocol) || !/^https?:\/\/[^/]/i.test(given)) return;
  if (url.username !== "" || url.password !== "" || /[?#]/.test(given)) return;
  const path = url.pathname.replace(/\/+$/, "");
  let prefix: string;
  try {
    prefix = decodeURI(path);
  } catch {
    return;
  }
  // These characters are special in a route's pattern, or have several spellings in a path.
  if (/[:*{}?%\\]|\/\//.test(prefix)) return;
  return { baseEndpoint: url.origin + path, prefix };
}

/** Reads IP addresses and networks in CIDR notation, separated by commas. */
export function readNetworks(given: string): string[] | undefined {
  const networks = given.split(",").map((network) => network.trim()).filter((network) => network !== "");
  const isNetwork = (network: string) => ipaddr.isValidCIDR(network) || ipaddr.isValid(network);
  return networks.every((network) => isNetwork(network) && /[.:].*[.:]/.test(network)) ? networks : undefined;
}

/** Reads origins separated by commas. They must be exactly as browsers send them, since they are compared literally. */
export function readOrigins(given: string): ReadonlySet<string> | "*" | undefined {
  if (given.trim() === "*") return "*";
  const origins = given.split(",").map((origin) => origin.trim()).filter((origin) => origin !== "");
  const isOrigin = (origin: string) =>
    /^https?:\/\/[^*]+$/.test(origin) && URL.parse(origin)?.origin === origin || isAppOrigin(origin);
  return origins.every(isOrigin) ? new Set(origins) : undefined;
}

/** Schemes that apps do not use for their pages: http and https are read otherwise, pages of the others have no origin. */
const NOT_OF_APPS = [
  "http",
  "https",
  "ws",
  "wss",
  "ftp",
  "file",
  "data",
  "blob",
  "about",
  "javascript",
  "vbscript",
];

/** Whether a text is the origin of web pages in an app, such as `capacitor://localhost` or `tauri://localhost`. */
export function isAppOrigin(origin: string): boolean {
  const [, scheme] = /^([a-z][a-z\d+.-]*):\/\/[\w-]+(?:\.[\w-]+)*(?::\d+)?$/.exec(origin) ?? [];
  return scheme !== undefined && !NOT_OF_APPS.includes(scheme);
}

/** Whether a text is a pattern for `WATCH_LINK`: an http or https URL once `{short_id}` is filled in. */
export function isWatchLink(given: string): boolean {
  const link = fillWatchLink(given, "x", { id: "x", name: "x" });
  return given.includes("{short_id}") && LINK.test(link) && URL.canParse(link);
}
