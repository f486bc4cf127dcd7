/**
 * The configuration: environment variables, and a `.env` file beside the executable, as one checked value.
 * Nothing else reads the environment.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "dotenv";
import ipaddr from "ipaddr.js";
import { ATTRIBUTE_NAMES, type AttributeName } from "./visitor/visitor.ts";

/** What may be logged, from the least to the most important. */
export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;

/** How important a line of the log is. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What an installation may set; see the README's table. */
export interface Config {
  /** Public URL of the installation, without a trailing slash. */
  baseEndpoint: string;
  /** The decoded path of `baseEndpoint`, under which everything is mounted: `""` or `/something`. */
  prefix: string;
  /** Reads. Empty: the REST API is disabled. */
  restKey: string;
  /** Reads too, while clients change over from it; empty for none. */
  previousRestKey: string;
  /** Reads and writes. Empty: nobody changes a visitor by the REST API. */
  writeKey: string;
  store: { kind: "mongodb"; uri: string; collection: string } | {
    kind: "sqlite";
    path: string;
    isChosen: boolean;
  };
  port: number;
  host: string;
  /** Where health and metrics are served beside the REST API; `null`: nowhere. */
  admin: { port: number; host: string } | null;
  /** Networks of the reverse proxies whose `X-Forwarded-For` is believed, each as an address or in CIDR notation. */
  trustedProxies: string[];
  logLevel: LogLevel;
  /** Requests a second that each key may make; `null`: any number. */
  rateLimit: number | null;
  /** Searches by lookup code a minute that may find nobody, for each key and client address; `null`: any number. */
  lookupMisses: number | null;
  /** How long visitors are kept after they were last seen, in days; `null`: for ever. */
  retentionDays: number | null;
  hiddenAttributes: ReadonlySet<AttributeName>;
  /** A URL in which `{short_id}` stands for the visitor; empty: only stored links are sent. */
  watchLink: string;
  /** How old the answer to a list may be, in milliseconds. */
  maxStale: number;
  /** How visitors come in; `null`: pages do not connect. */
  presence: PresenceConfig | null;
}

/** What an installation sets of presence. */
export interface PresenceConfig {
  /** The public key, by which a page names its installation. */
  siteKey: string;
  /** Origins of pages that may connect, such as `https://www.acme.com`; `"*"`: any page and program. */
  allowedOrigins: ReadonlySet<string> | "*";
  /** What visitors' tokens are signed with; then what they may have been signed with before. */
  secretKeys: string[];
  maxConnections: number;
  /** `null`: any number. */
  connectionsPerAddress: number | null;
  /** New visitors a minute from one client address; `null`: any number. */
  newVisitors: number | null;
  /** How long a visitor stays online after its last page was closed, in milliseconds. */
  grace: number;
  /** Whether what follows `?` and `#` in a page's URL is stored. */
  storesQuery: boolean;
  storesIp: boolean;
  /** A file that tells places by addresses; empty: none. */
  geoipPath: string;
}

/** The environment variables that Foyer reads, each with its default. */
export const VARIABLES = {
  BASE_ENDPOINT: "",
  REST_KEY: "",
  REST_KEY_PREVIOUS: "",
  REST_WRITE_KEY: "",
  MONGO_URI: "",
  MONGO_COLLECTION: "visitors",
  SQLITE_PATH: "",
  PORT: "5002",
  HOST: "0.0.0.0",
  ADMIN_PORT: "",
  ADMIN_HOST: "127.0.0.1",
  TRUSTED_PROXIES: "",
  LOG_LEVEL: "info",
  RATE_LIMIT: "",
  LOOKUP_MISSES_PER_MINUTE: "10",
  RETENTION_DAYS: "",
  HIDDEN_ATTRIBUTES: "",
  WATCH_LINK: "",
  MAX_STALE_MS: "0",
  SITE_KEY: "",
  ALLOWED_ORIGINS: "",
  SECRET_KEY: "",
  SECRET_KEY_PREVIOUS: "",
  MAX_CONNECTIONS: "20000",
  CONNECTIONS_PER_ADDRESS: "200",
  NEW_VISITORS_PER_MINUTE: "120",
  OFFLINE_GRACE: "10",
  STORE_QUERY: "false",
  STORE_IP: "true",
  GEOIP_DB: "",
};

type VariableName = keyof typeof VARIABLES;

/** A shorter one could be guessed, in characters. */
const MIN_SECRET = 32;

/** A value in the configuration that cannot be used: one line for each. */
export class ConfigurationError extends Error {
  override name = "ConfigurationError";

  constructor(readonly lines: string[]) {
    super(lines.join("\n"));
  }

  /** @param given what was set; never a secret's value */
  static line(name: VariableName, given: string, expected: string): string {
    return `${name}: given ${given}, expected ${expected}`;
  }
}

/**
 * Checks the values of the environment variables.
 *
 * @throws {ConfigurationError} with a line for each wrong one
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const config = readConfig({ BASE_ENDPOINT: "https://support.acmetech.com/cobrowsing/" });
 * assert.equal(config.baseEndpoint, "https://support.acmetech.com/cobrowsing");
 * assert.equal(config.prefix, "/cobrowsing");
 * assert.equal(config.port, 5002);
 * ```
 */
export function readConfig(environment: Partial<Record<VariableName, string>>): Config {
  const wrong: string[] = [];
  const value = (name: VariableName) => environment[name] || VARIABLES[name];
  /** A value that passes its check, or a line about it. */
  function read<T>(
    name: VariableName,
    check: (given: string) => T | null,
    expected: string,
    isSecret = false,
  ): T {
    const result = check(value(name));
    if (result === null) {
      const given = isSecret ? "a value that is not shown" : JSON.stringify(withoutPassword(value(name)));
      wrong.push(ConfigurationError.line(name, given, expected));
    }
    return result as T;
  }

  /** A whole number, which may be left empty where `otherwise` says what that means. */
  function readNumber<T = never>(
    name: VariableName,
    [least, most]: [number, number],
    expected: string,
    otherwise?: T,
  ): number | T {
    return read<number | T>(name, (given) => {
      if (given === "" && otherwise !== undefined) return otherwise;
      const isWithin = /^[0-9]{1,7}$/.test(given) && Number(given) >= least && Number(given) <= most;
      return isWithin ? Number(given) : null;
    }, expected);
  }

  /** The keys, each of which must differ from the others to mean anything. */
  function readKeys() {
    const names = [
      "REST_KEY",
      "REST_KEY_PREVIOUS",
      "REST_WRITE_KEY",
      "SITE_KEY",
      "SECRET_KEY",
      "SECRET_KEY_PREVIOUS",
    ] as const;
    const keys = names.map((name) =>
      name.startsWith("SECRET_KEY")
        ? read(
          name,
          (given) => given === "" || Array.from(given).length >= MIN_SECRET ? given : null,
          `${MIN_SECRET} characters or more, such as openssl rand -hex 32 prints`,
          true,
        )
        : read(
          name,
          (given) => /^([!-~]([ -~]*[!-~])?)?$/.test(given) ? given : null,
          "printable ASCII without spaces around it",
          true,
        )
    );
    const isSet = (name: VariableName) => value(name) !== "";
    names.forEach((name, i) => {
      if (!keys[i]) return;
      const earlier = keys.indexOf(keys[i]);
      const needed = name.startsWith("REST_") ? "REST_KEY" : "SECRET_KEY";
      if (earlier < i) {
        wrong.push(ConfigurationError.line(name, `${names[earlier]}'s value`, "a key of its own"));
      } else if (!isSet(needed)) {
        wrong.push(ConfigurationError.line(name, `a value without ${needed}`, `${needed} beside it`));
      }
    });
    return keys;
  }

  const readFlag = (name: VariableName) =>
    read(name, (given) => given === "true" || given === "false" ? given : null, "true or false") === "true";

  /** Everything of presence is checked, whether or not there is any. */
  function readPresence([siteKey, ...secretKeys]: string[]): PresenceConfig | null {
    const limit = (name: VariableName) =>
      readNumber(name, [0, 1_000_000], "a number from 1 to 1000000, or 0 for no limit") || null;
    const presence = {
      siteKey,
      allowedOrigins: read(
        "ALLOWED_ORIGINS",
        readOrigins,
        "the origins of your pages such as https://www.acme.com,https://shop.acme.com, or * for any",
      ),
      secretKeys: secretKeys.filter((key) => key !== ""),
      maxConnections: readNumber("MAX_CONNECTIONS", [1, 1_000_000], "a number from 1 to 1000000"),
      connectionsPerAddress: limit("CONNECTIONS_PER_ADDRESS"),
      newVisitors: limit("NEW_VISITORS_PER_MINUTE"),
      grace: readNumber("OFFLINE_GRACE", [0, 3600], "seconds from 0 to 3600") * 1000,
      storesQuery: readFlag("STORE_QUERY"),
      storesIp: readFlag("STORE_IP"),
      geoipPath: value("GEOIP_DB"),
    };
    return siteKey === "" ? null : presence;
  }

  const port = readNumber("PORT", [1, 65535], "a port from 1 to 65535 such as 5002");
  const base = read(
    "BASE_ENDPOINT",
    (given) => readBaseEndpoint(given || `http://localhost:${port ?? VARIABLES.PORT}`),
    "a URL such as https://support.acme.com/cobrowsing",
  );
  const [restKey, previousRestKey, writeKey, ...presenceKeys] = readKeys();
  const uri = read(
    "MONGO_URI",
    (given) => given === "" || /^mongodb(\+srv)?:\/\/[^/]/.test(given) ? given : null,
    "a connection string such as mongodb://localhost:27017/foyer",
    true,
  );
  const collection = read(
    "MONGO_COLLECTION",
    // https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions
    (given) => /^(?!system\.|\.)[^$\0]{1,200}(?<!\.)$/u.test(given) && !given.includes("..") ? given : null,
    "the name of a collection such as visitors",
  );
  const sqlitePath = value("SQLITE_PATH");
  if (uri && sqlitePath !== "") {
    wrong.push(ConfigurationError.line(
      "SQLITE_PATH",
      `${JSON.stringify(sqlitePath)} together with MONGO_URI`,
      "one of the two, since visitors are in one store",
    ));
  }
  const readHost = (name: "HOST" | "ADMIN_HOST") =>
    read(
      name,
      (given) => /^[0-9A-Za-z.:_-]+$/.test(given) ? given : null,
      "an address to listen on such as 0.0.0.0 or 127.0.0.1",
    );
  const host = readHost("HOST");
  const adminHost = readHost("ADMIN_HOST");
  const adminPort = readNumber("ADMIN_PORT", [1, 65535], "a port from 1 to 65535 such as 5003", "none");
  if (adminPort !== null && adminPort === port) {
    wrong.push(ConfigurationError.line("ADMIN_PORT", `${port}`, "another port than PORT's"));
  }
  const trustedProxies = read(
    "TRUSTED_PROXIES",
    readNetworks,
    "addresses or networks such as 127.0.0.1,10.0.0.0/8,fd00::/8",
  );
  const logLevel = read(
    "LOG_LEVEL",
    (given) => LOG_LEVELS.find((level) => level === given) ?? null,
    `one of ${LOG_LEVELS.join(", ")}`,
  );
  const rateLimit = readNumber("RATE_LIMIT", [1, 1_000_000], "requests a second, from 1 to 1000000", "none");
  const lookupMisses = readNumber(
    "LOOKUP_MISSES_PER_MINUTE",
    [0, 1_000_000],
    "a number from 1 to 1000000, or 0 for no limit",
  );
  const retentionDays = readNumber("RETENTION_DAYS", [1, 36_500], "days from 1 to 36500", "none");
  const hiddenAttributes = read(
    "HIDDEN_ATTRIBUTES",
    readHiddenAttributes,
    "names of a visitor's attributes (not short_id) such as ip_address,location_city",
  );
  const watchLink = read(
    "WATCH_LINK",
    (given) => given === "" || isWatchLink(given) ? given : null,
    "a URL with {short_id} in it such as https://support.acme.com/watch/{short_id}",
  );
  const maxStale = readNumber("MAX_STALE_MS", [0, 5000], "milliseconds from 0 to 5000");
  const presence = readPresence(presenceKeys);
  if (wrong.length > 0) throw new ConfigurationError(wrong);
  return {
    ...base,
    restKey,
    previousRestKey,
    writeKey,
    store: uri !== ""
      ? { kind: "mongodb", uri, collection }
      : { kind: "sqlite", path: sqlitePath || "foyer.db", isChosen: sqlitePath !== "" },
    port,
    host,
    admin: adminPort === "none" ? null : { port: adminPort, host: adminHost },
    trustedProxies,
    logLevel,
    rateLimit: rateLimit === "none" ? null : rateLimit,
    lookupMisses: lookupMisses === 0 ? null : lookupMisses,
    retentionDays: retentionDays === "none" ? null : retentionDays,
    hiddenAttributes,
    watchLink,
    maxStale,
    presence,
  };
}

/** A password stands before an `@`, however the rest is misspelt. */
function withoutPassword(given: string): string {
  return given.replace(/^.*@/s, "…@");
}

function readBaseEndpoint(given: string): { baseEndpoint: string; prefix: string } | null {
  const url = URL.parse(given);
  if (url === null || !/^https?:$/.test(url.protocol) || !/^https?:\/\/[^/]/i.test(given)) return null;
  if (url.username !== "" || url.password !== "" || /[?#]/.test(given)) return null;
  const path = url.pathname.replace(/\/+$/, "");
  let prefix: string;
  try {
    prefix = decodeURI(path);
  } catch {
    return null;
  }
  // These mean something in a route's pattern, or make a path with several spellings.
  if (/[:*{}?%\\]|\/\//.test(prefix)) return null;
  return { baseEndpoint: url.origin + path, prefix };
}

function readNetworks(given: string): string[] | null {
  const networks = given.split(",").map((network) => network.trim()).filter((network) => network !== "");
  const isNetwork = (network: string) => ipaddr.isValidCIDR(network) || ipaddr.isValid(network);
  return networks.every((network) => isNetwork(network) && /[.:].*[.:]/.test(network)) ? networks : null;
}

/** Exactly as browsers write them, since they are compared so. */
function readOrigins(given: string): ReadonlySet<string> | "*" | null {
  if (given.trim() === "*") return "*";
  const origins = given.split(",").map((origin) => origin.trim()).filter((origin) => origin !== "");
  const isOrigin = (origin: string) =>
    /^https?:\/\/[^*]+$/.test(origin) && URL.parse(origin)?.origin === origin;
  return origins.every(isOrigin) ? new Set(origins) : null;
}

function readHiddenAttributes(given: string): ReadonlySet<AttributeName> | null {
  const names = given.split(",").map((name) => name.trim()).filter((name) => name !== "");
  const isKnown = (name: string): name is AttributeName => ATTRIBUTE_NAMES.includes(name as AttributeName);
  return names.every(isKnown) && !names.includes("short_id") ? new Set(names) : null;
}

function isWatchLink(given: string): boolean {
  return /^https?:\/\//i.test(given) && given.includes("{short_id}") &&
    URL.canParse(given.replaceAll("{short_id}", "x"));
}

/**
 * The variables as this process has them: from the environment, else from `.env` in the executable's folder,
 * or in the project's root where Foyer runs from source. A `.env` that cannot be read counts as absent.
 */
export function readEnvironment(): Partial<Record<VariableName, string>> {
  const folder = Deno.build.standalone
    ? dirname(Deno.execPath())
    : fileURLToPath(new URL("..", import.meta.url));
  let file: Record<string, string> = {};
  try {
    file = parse(Deno.readTextFileSync(join(folder, ".env")));
  } catch {
    // Absent, or not for this user.
  }
  const names = Object.keys(VARIABLES) as VariableName[];
  return Object.fromEntries(names.map((name) => [name, Deno.env.get(name) ?? file[name]]));
}
