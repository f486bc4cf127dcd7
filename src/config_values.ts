/**
 * Reads the values of environment variables that are no plain text. Each returns `undefined` for what cannot be used.
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import { fillWatchLink, LINK } from "./visitor/watch_link.ts";

/** A whole number within bounds. */
export function readNumber(given: string, least: number, most: number): number | undefined {
  const isWithin = /^[0-9]{1,7}$/.test(given) && Number(given) >= least && Number(given) <= most;
  return isWithin ? Number(given) : undefined;
}

/** A public URL, without a trailing slash, and its decoded path; `null` for none. */
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
  // These mean something in a route's pattern, or make a path with several spellings.
  if (/[:*{}?%\\]|\/\//.test(prefix)) return;
  return { baseEndpoint: url.origin + path, prefix };
}

/** Addresses and networks, with commas between. */
export function readNetworks(given: string): string[] | undefined {
  const networks = given.split(",").map((network) => network.trim()).filter((network) => network !== "");
  const isNetwork = (network: string) => ipaddr.isValidCIDR(network) || ipaddr.isValid(network);
  return networks.every((network) => isNetwork(network) && /[.:].*[.:]/.test(network)) ? networks : undefined;
}

/** Origins with commas between, exactly as browsers write them, since they are compared so. */
export function readOrigins(given: string): ReadonlySet<string> | "*" | undefined {
  if (given.trim() === "*") return "*";
  const origins = given.split(",").map((origin) => origin.trim()).filter((origin) => origin !== "");
  const isOrigin = (origin: string) =>
    /^https?:\/\/[^*]+$/.test(origin) && URL.parse(origin)?.origin === origin || isAppOrigin(origin);
  return origins.every(isOrigin) ? new Set(origins) : undefined;
}

/** Schemes whose pages have no such origin: browsers send `null`, or none. */
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

/** Whether it is the origin of web pages in an app, such as `capacitor://localhost` or `tauri://localhost`. */
export function isAppOrigin(origin: string): boolean {
  const [, scheme] = /^([a-z][a-z\d+.-]*):\/\/[\w-]+(?:\.[\w-]+)*(?::\d+)?$/.exec(origin) ?? [];
  return scheme !== undefined && !NOT_OF_APPS.includes(scheme);
}

/** Whether a visitor's link can be made of it. */
export function isWatchLink(given: string): boolean {
  const link = fillWatchLink(given, "x", { id: "x", name: "x" });
  return given.includes("{short_id}") && LINK.test(link) && URL.canParse(link);
}
