/**
 * The configuration: environment variables, and a `.env` file beside the executable, as one checked value.
 * Nothing else reads the environment.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "dotenv";
import { ATTRIBUTE_NAMES, type AttributeName } from "./visitor.ts";

/** What an installation may set; see the README's table. */
export interface Config {
  /** Public URL of the installation, without a trailing slash. */
  baseEndpoint: string;
  /** The decoded path of `baseEndpoint`, under which everything is mounted: `""` or `/something`. */
  prefix: string;
  /** Empty: the REST API is disabled. */
  restKey: string;
  store: { kind: "mongodb"; uri: string; collection: string } | {
    kind: "sqlite";
    path: string;
    isChosen: boolean;
  };
  port: number;
  host: string;
  hiddenAttributes: ReadonlySet<AttributeName>;
  /** A URL in which `{short_id}` stands for the visitor; empty: only stored links are sent. */
  watchLink: string;
  /** How old the answer to a list may be, in milliseconds. */
  maxStale: number;
}

/** The environment variables that Foyer reads, each with its default. */
export const VARIABLES = {
  BASE_ENDPOINT: "",
  REST_KEY: "",
  MONGO_URI: "",
  MONGO_COLLECTION: "visitors",
  SQLITE_PATH: "",
  PORT: "5002",
  HOST: "0.0.0.0",
  HIDDEN_ATTRIBUTES: "",
  WATCH_LINK: "",
  MAX_STALE_MS: "0",
};

type VariableName = keyof typeof VARIABLES;

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

  const port = read(
    "PORT",
    (given) =>
      /^[0-9]{1,5}$/.test(given) && Number(given) >= 1 && Number(given) <= 65535 ? Number(given) : null,
    "a port from 1 to 65535 such as 5002",
  );
  const base = read(
    "BASE_ENDPOINT",
    (given) => readBaseEndpoint(given || `http://localhost:${port ?? VARIABLES.PORT}`),
    "a URL such as https://support.acme.com/cobrowsing",
  );
  const restKey = read(
    "REST_KEY",
    (given) => /^([!-~]([ -~]*[!-~])?)?$/.test(given) ? given : null,
    "printable ASCII without spaces around it",
    true,
  );
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
  const host = read(
    "HOST",
    (given) => /^[0-9A-Za-z.:_-]+$/.test(given) ? given : null,
    "an address to listen on such as 0.0.0.0 or 127.0.0.1",
  );
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
  const maxStale = read(
    "MAX_STALE_MS",
    (given) => /^[0-9]{1,4}$/.test(given) && Number(given) <= 5000 ? Number(given) : null,
    "milliseconds from 0 to 5000",
  );
  if (wrong.length > 0) throw new ConfigurationError(wrong);
  return {
    ...base,
    restKey,
    store: uri !== ""
      ? { kind: "mongodb", uri, collection }
      : { kind: "sqlite", path: sqlitePath || "foyer.db", isChosen: sqlitePath !== "" },
    port,
    host,
    hiddenAttributes,
    watchLink,
    maxStale,
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
