/**
 * The configuration: environment variables, or a `.env` file beside the executable, as one checked value.
 * Nothing else reads the environment.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isWatchLink, readBaseEndpoint, readNetworks, readNumber, readOrigins } from "./config_values.ts";
import { readEnvFile } from "./env_file.ts";
import { ATTRIBUTE_NAMES, type AttributeName } from "./visitor/visitor.ts";

/** The levels of log lines, from the least to the most important. */
export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;

/** The level of a log line. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The configuration of an installation, checked; see {@link VARIABLES}. */
export interface Config {
  /** Public URL of the installation, without a trailing slash. */
  baseEndpoint: string;
  /** The decoded path of `baseEndpoint`, under which everything is mounted: `""` or `/something`. */
  prefix: string;
  /** The key for reading; empty: the REST API is disabled. */
  restKey: string;
  /** An earlier key for reading, accepted until all clients use the new one; empty: none. */
  previousRestKey: string;
  /** The key for reading and writing; empty: the REST API cannot change visitors. */
  writeKey: string;
  store: { kind: "mongodb"; uri: string; collection: string } | {
    kind: "sqlite";
    path: string;
    isChosen: boolean;
  };
  port: number;
  host: string;
  /** The second port, which serves health and metrics; `null`: none. */
  admin: { port: number; host: string } | null;
  /** The reverse proxies whose `X-Forwarded-For` is trusted, as addresses or networks in CIDR notation. */
  trustedProxies: string[];
  logLevel: LogLevel;
  /** The most requests a second with each key; `null`: no limit. */
  rateLimit: number | null;
  /** The most searches by lookup code a minute that find nobody, for each key and client address; `null`: no limit. */
  lookupMisses: number | null;
  /** The most streams of lists that may be open. */
  maxStreams: number;
  /** Days after which an offline visitor is removed; `null`: never. */
  retentionDays: number | null;
  hiddenAttributes: ReadonlySet<AttributeName>;
  /** The pattern of watch links, a URL with `{short_id}`; empty: only stored links are sent. */
  watchLink: string;
  /** The maximum age of a list in an answer, in milliseconds. */
  maxStale: number;
  /** `full`: the console shows all visitors; `code`: only the one whose lookup code was entered; `null`: no console. */
  console: "full" | "code" | null;
  /** Whether the last web pages of visitors online are stored. */
  storesPages: boolean;
  /** The configuration of presence; `null`: web pages cannot connect. */
  presence: PresenceConfig | null;
  /** Sentences for the operator about problems that do not stop the start. */
  warnings: string[];
}

/** The part of the configuration that presence needs. */
export interface PresenceConfig {
  /** The public key with which web pages connect to this installation. */
  siteKey: string;
  /** The origins whose web pages may connect, such as `https://www.acme.com`; `"*"`: any web page and program. */
  allowedOrigins: ReadonlySet<string> | "*";
  /** The key that signs visitors' tokens, followed by the previous one if it is set. */
  secretKeys: string[];
  maxConnections: number;
  /** The most web pages connected from one client address; `null`: no limit. */
  connectionsPerAddress: number | null;
  /** The most new visitors a minute from one client address; `null`: no limit. */
  newVisitors: number | null;
  /** How long a visitor stays online after closing the last web page, in milliseconds. */
  grace: number;
  /** Whether the query and the fragment of a web page's URL are stored. */
  storesQuery: boolean;
  storesIp: boolean;
  /** The path of a file in MaxMind's format with the places of IP addresses; empty: none. */
  geoipPath: string;
}

/** The groups in which the variables are shown. */
export const GROUPS = [
  "Where it listens",
  "REST API",
  "Console",
  "Store",
  "Presence",
  "Privacy",
  "Limits",
  "Operating",
] as const;

/** The declaration of an environment variable. */
interface Variable<T> {
  group: (typeof GROUPS)[number];
  /** The value if none is set. */
  default: string;
  /** The default as documentation shows it, if that differs. */
  shownDefault?: string;
  /** The variable's meaning: a phrase for `--help`, the README and `.env.example`, with code in backticks. */
  meaning: string;
  /** The value in `.env.example`; without one, the variable is a comment there. */
  example?: string;
  /** Parses a value; returns `undefined` if it cannot be used. */
  read: (given: string) => T | undefined;
  /** The values that can be used, with an example, for error messages. */
  expected: string;
  /** Whether the value is a secret, so that no message may show it. */
  isSecret?: boolean;
}

/** Infers the type of a declaration. */
const variable = <T>(declared: Variable<T>) => declared;

/** The fewest characters of a secret; a shorter one might be guessed. */
const MIN_SECRET = 32;

/** A shorter key causes a warning, in characters. */
const MIN_KEY = 16;

/** The command that makes a strong key. */
const MAKE_KEY = "openssl rand -hex 32";

const key = {
  default: "",
  read: (given: string) => /^([!-~]([ -~]*[!-~])?)?$/.test(given) ? given : undefined,
  expected: "printable ASCII without spaces around it",
  isSecret: true,
};

const secret = {
  default: "",
  read: (given: string) => given === "" || Array.from(given).length >= MIN_SECRET ? given : undefined,
  expected: `${MIN_SECRET} characters or more, such as ${MAKE_KEY} prints`,
  isSecret: true,
};

const host = {
  read: (given: string) => /^[0-9A-Za-z.:_-]+$/.test(given) ? given : undefined,
  expected: "an address to listen on such as 0.0.0.0 or 127.0.0.1",
};

const flag = {
  read: (given: string) => given === "true" ? true : given === "false" ? false : undefined,
  expected: "true or false",
};

const limit = {
  read: (given: string) => given === "0" ? null : readNumber(given, 1, 1_000_000),
  expected: "a number from 1 to 1000000, or 0 for no limit",
};

/** All environment variables that Foyer reads. No other module declares or reads any. */
export const VARIABLES = {
  BASE_ENDPOINT: variable({
    group: "Where it listens",
    default: "",
    shownDefault: "http://localhost:$PORT",
    meaning: "public URL of the installation; its path is the prefix under which everything is mounted",
    example: "https://support.example.com/cobrowsing",
    read: readBaseEndpoint,
    expected: "a URL such as https://support.acme.com/cobrowsing",
  }),
  PORT: variable({
    group: "Where it listens",
    default: "5002",
    meaning: "the port on which it listens",
    example: "5002",
    read: (given) => readNumber(given, 1, 65535),
    expected: "a port from 1 to 65535 such as 5002",
  }),
  HOST: variable({
    group: "Where it listens",
    default: "0.0.0.0",
    meaning: "the address on which it listens",
    example: "127.0.0.1",
    ...host,
  }),
  REST_KEY: variable({
    group: "REST API",
    meaning: "the key that reads; empty: the REST API is disabled",
    example: "",
    ...key,
  }),
  REST_KEY_PREVIOUS: variable({
    group: "REST API",
    meaning: "accepted beside `REST_KEY`, so that a key is changed without an outage",
    ...key,
  }),
  REST_WRITE_KEY: variable({
    group: "REST API",
    meaning: "the key that changes and removes visitors, and reads as well; empty: the API does not write",
    ...key,
  }),
  WATCH_LINK: variable({
    group: "REST API",
    default: "",
    meaning: "the `watch_link` of visitors who have none stored, a URL with `{short_id}` in it such as " +
      "`https://support.example.com/watch/{short_id}`; `{agent_id}` and `{agent_name}` are filled in where a client " +
      "asks for an agent's `watch_url`",
    read: (given) => given === "" || isWatchLink(given) ? given : undefined,
    expected: "a URL with {short_id} in it such as https://support.acme.com/watch/{short_id}",
  }),
  MAX_STALE_MS: variable({
    group: "REST API",
    default: "0",
    meaning:
      "the maximum age of an answer to a list in milliseconds, up to 5000: with many dashboards, fewer " +
      "queries",
    read: (given) => readNumber(given, 0, 5000),
    expected: "milliseconds from 0 to 5000",
  }),
  CONSOLE: variable({
    group: "Console",
    default: "true",
    meaning: "whether the agents' console is at `BASE_ENDPOINT`; they sign in with a key",
    ...flag,
  }),
  CONSOLE_MODE: variable({
    group: "Console",
    default: "full",
    meaning:
      "`full`: the console shows visitors; `code`: it shows the one visitor alone whose lookup code was entered",
    read: (given) => given === "full" || given === "code" ? given : undefined,
    expected: "full or code",
  }),
  MONGO_URI: variable({
    group: "Store",
    default: "",
    meaning:
      "connection string of MongoDB, whose path names the database (`foyer` unless it does); empty: the " +
      "embedded store",
    example: "mongodb://localhost:27017/foyer",
    read: (given) => given === "" || /^mongodb(\+srv)?:\/\/[^/]/.test(given) ? given : undefined,
    expected: "a connection string such as mongodb://localhost:27017/foyer",
    isSecret: true,
  }),
  MONGO_COLLECTION: variable({
    group: "Store",
    default: "visitors",
    meaning: "the collection, or view, that holds the visitors",
    example: "visitors",
    // https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions
    read: (given) =>
      /^(?!system\.|\.)[^$\0]{1,200}(?<!\.)$/u.test(given) && !given.includes("..") ? given : undefined,
    expected: "the name of a collection such as visitors",
  }),
  SQLITE_PATH: variable({
    group: "Store",
    default: "",
    shownDefault: "foyer.db",
    meaning: "path of the embedded store's file, which is made with mode 0600; not together with `MONGO_URI`",
    // SQLite would read options of the URI, such as another mode.
    read: (given) => /^file:/i.test(given) ? undefined : given,
    expected: "a path such as /var/lib/foyer/foyer.db, which is no file: URI",
  }),
  SITE_KEY: variable({
    group: "Presence",
    meaning: "the public key by which web pages connect; empty: they do not",
    ...key,
  }),
  ALLOWED_ORIGINS: variable({
    group: "Presence",
    default: "",
    meaning:
      "the origins whose web pages may connect, such as `https://www.example.com,https://shop.example.com`, or " +
      "`capacitor://localhost` of an app; `*`: any web page or program",
    read: readOrigins,
    expected: "the origins of your pages such as https://www.acme.com,https://shop.acme.com, or * for any",
  }),
  SECRET_KEY: variable({
    group: "Presence",
    meaning: `signs visitors' tokens, needed with \`SITE_KEY\`: ${MIN_SECRET} characters or more, such as ` +
      `\`${MAKE_KEY}\` prints`,
    ...secret,
  }),
  SECRET_KEY_PREVIOUS: variable({
    group: "Presence",
    meaning: "accepted beside `SECRET_KEY`, so that it is changed and visitors stay who they are",
    ...secret,
  }),
  OFFLINE_GRACE: variable({
    group: "Presence",
    default: "10",
    meaning:
      "seconds a visitor stays online after closing the last web page, so that moving from page to page does " +
      "not show as offline",
    read: (given) => readNumber(given, 0, 3600),
    expected: "seconds from 0 to 3600",
  }),
  GEOIP_DB: variable({
    group: "Presence",
    default: "",
    meaning: "path of a file in MaxMind's format that says where addresses are, such as " +
      "`/var/lib/GeoIP/GeoLite2-City.mmdb`; it may be replaced at any time",
    read: (given) => given,
    expected: "a file in MaxMind's format such as /var/lib/GeoIP/GeoLite2-City.mmdb",
  }),
  HIDDEN_ATTRIBUTES: variable({
    group: "Privacy",
    default: "",
    meaning: "attributes that are neither sent nor searched, such as `ip_address,location_city`",
    read: readHiddenAttributes,
    expected: "names of a visitor's attributes (not short_id) such as ip_address,location_city",
  }),
  RETENTION_DAYS: variable({
    group: "Privacy",
    default: "",
    meaning: "days after which an offline visitor is removed; empty: never",
    read: (given) => given === "" ? null : readNumber(given, 1, 36_500),
    expected: "days from 1 to 36500",
  }),
  STORE_QUERY: variable({
    group: "Privacy",
    default: "false",
    meaning: "whether what follows `?` and `#` in a web page's URL is stored",
    ...flag,
  }),
  STORE_PAGES: variable({
    group: "Privacy",
    default: "true",
    meaning: "whether the last ten web pages of a visitor are kept while it is online",
    ...flag,
  }),
  STORE_IP: variable({
    group: "Privacy",
    default: "true",
    meaning: "whether a visitor's address is stored",
    ...flag,
  }),
  RATE_LIMIT: variable({
    group: "Limits",
    default: "",
    meaning: "requests a second of each key; empty: any number",
    read: (given) => given === "" ? null : readNumber(given, 1, 1_000_000),
    expected: "requests a second, from 1 to 1000000",
  }),
  LOOKUP_MISSES_PER_MINUTE: variable({
    group: "Limits",
    default: "10",
    meaning:
      "searches by lookup code a minute that may find nobody, of each key and client address; 0: any number",
    ...limit,
  }),
  MAX_STREAMS: variable({
    group: "Limits",
    default: "1000",
    meaning: "streams of lists that are open in one process",
    read: (given) => readNumber(given, 1, 1_000_000),
    expected: "a number from 1 to 1000000",
  }),
  MAX_CONNECTIONS: variable({
    group: "Limits",
    default: "20000",
    meaning: "web pages that are connected to one process",
    read: (given) => readNumber(given, 1, 1_000_000),
    expected: "a number from 1 to 1000000",
  }),
  CONNECTIONS_PER_ADDRESS: variable({
    group: "Limits",
    default: "200",
    meaning: "web pages that are connected from one client address (of IPv6, one /64); 0: any number",
    ...limit,
  }),
  NEW_VISITORS_PER_MINUTE: variable({
    group: "Limits",
    default: "120",
    meaning: "new visitors a minute from one client address; 0: any number",
    ...limit,
  }),
  ADMIN_PORT: variable({
    group: "Operating",
    default: "",
    meaning: "a second port, with `/live`, `/ready` and `/metrics`; empty: none",
    read: (given) => given === "" ? null : readNumber(given, 1, 65535),
    expected: "a port from 1 to 65535 such as 5003",
  }),
  ADMIN_HOST: variable({
    group: "Operating",
    default: "127.0.0.1",
    meaning: "the address of the second port",
    ...host,
  }),
  TRUSTED_PROXIES: variable({
    group: "Operating",
    default: "",
    meaning:
      "addresses or networks of reverse proxies whose `X-Forwarded-For`, or else `Forwarded`, is trusted, such as " +
      "`127.0.0.1,10.0.0.0/8`",
    read: readNetworks,
    expected: "addresses or networks such as 127.0.0.1,10.0.0.0/8,fd00::/8",
  }),
  LOG_LEVEL: variable({
    group: "Operating",
    default: "info",
    meaning: "`debug`, `info`, `warning` or `error`; with `info` each request is a line",
    read: (given) => LOG_LEVELS.find((level) => level === given),
    expected: `one of ${LOG_LEVELS.join(", ")}`,
  }),
};

/** The name of an environment variable. */
export type VariableName = keyof typeof VARIABLES;

/** Values by the names of their variables; an empty value counts as absent. */
export type VariableValues = Partial<Record<VariableName, string>>;

const NAMES = Object.keys(VARIABLES) as VariableName[];

/** The parsed values, by the names of their variables. */
type Checked = { [Name in VariableName]: Exclude<ReturnType<(typeof VARIABLES)[Name]["read"]>, undefined> };

/** The configuration has values that cannot be used; the message has a line for each. */
export class ConfigurationError extends Error {
  override name = "ConfigurationError";

  constructor(readonly lines: string[]) {
    super(lines.join("\n"));
  }

  /**
   * The line for one variable.
   *
   * @param given the value that was set, or a phrase about it; never a secret's value
   * @param expected what can be used; default: as the variable declares it
   */
  static line(name: VariableName, given: string, expected: string = VARIABLES[name].expected): string {
    return `${name}: given ${given}, expected ${expected}`;
  }
}

/**
 * Checks the values of the environment variables.
 *
 * @param warnings of {@link readEnvironment}, which become the first ones of the configuration
 * @throws {ConfigurationError} values cannot be used; it has a line for each
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
export function readConfig(given: VariableValues, warnings: string[] = []): Config {
  const values: Partial<Record<VariableName, unknown>> = {};
  const lines = new Map<VariableName, string>();
  for (const name of NAMES) {
    const { read, isSecret, default: otherwise }: Variable<unknown> = VARIABLES[name];
    const value = given[name] || otherwise;
    values[name] = read(value);
    if (values[name] !== undefined) continue;
    const shown = isSecret ? "a value that is not shown" : JSON.stringify(withoutPassword(value));
    lines.set(name, ConfigurationError.line(name, shown));
  }
  checkTogether(given, values as Partial<Checked>, lines);
  if (lines.size > 0) throw new ConfigurationError([...lines.values()]);
  return configOf(values as Checked, [...warnings, ...warnOfWeakKeys(given)]);
}

/**
 * Checks combinations of variables.
 *
 * @param values the parsed values; `undefined` for one that cannot be used by itself
 * @param lines receives a line for each variable that does not fit the others
 */
function checkTogether(
  given: VariableValues,
  { PORT, ADMIN_PORT, MONGO_URI, SQLITE_PATH, ...others }: Partial<Checked>,
  lines: Map<VariableName, string>,
) {
  const refuse = (name: VariableName, what: string, expected: string) =>
    lines.set(name, ConfigurationError.line(name, what, expected));
  if (MONGO_URI && SQLITE_PATH) {
    const what = `${JSON.stringify(SQLITE_PATH)} together with MONGO_URI`;
    refuse("SQLITE_PATH", what, "one of the two, since visitors are in one store");
  }
  if (ADMIN_PORT && ADMIN_PORT === PORT) refuse("ADMIN_PORT", `${PORT}`, "another port than PORT's");
  const names = [
    "REST_KEY",
    "REST_KEY_PREVIOUS",
    "REST_WRITE_KEY",
    "SITE_KEY",
    "SECRET_KEY",
    "SECRET_KEY_PREVIOUS",
  ] as const;
  for (const [i, name] of names.entries()) {
    if (!others[name]) continue;
    const needed = name.startsWith("REST_") ? "REST_KEY" : "SECRET_KEY";
    const earlier = names.slice(0, i).find((earlier) => others[earlier] === others[name]);
    if (earlier !== undefined) refuse(name, `${earlier}'s value`, "a key of its own");
    else if (!given[needed]) refuse(name, `a value without ${needed}`, `${needed} beside it`);
  }
}

function configOf(values: Checked, warnings: string[]): Config {
  return {
    ...(values.BASE_ENDPOINT ?? { baseEndpoint: `http://localhost:${values.PORT}`, prefix: "" }),
    restKey: values.REST_KEY,
    previousRestKey: values.REST_KEY_PREVIOUS,
    writeKey: values.REST_WRITE_KEY,
    store: values.MONGO_URI !== ""
      ? { kind: "mongodb", uri: values.MONGO_URI, collection: values.MONGO_COLLECTION }
      : {
        kind: "sqlite",
        path: values.SQLITE_PATH || VARIABLES.SQLITE_PATH.shownDefault!,
        isChosen: values.SQLITE_PATH !== "",
      },
    console: values.CONSOLE ? values.CONSOLE_MODE : null,
    port: values.PORT,
    host: values.HOST,
    admin: values.ADMIN_PORT === null ? null : { port: values.ADMIN_PORT, host: values.ADMIN_HOST },
    trustedProxies: values.TRUSTED_PROXIES,
    logLevel: values.LOG_LEVEL,
    rateLimit: values.RATE_LIMIT,
    lookupMisses: values.LOOKUP_MISSES_PER_MINUTE,
    maxStreams: values.MAX_STREAMS,
    retentionDays: values.RETENTION_DAYS,
    hiddenAttributes: values.HIDDEN_ATTRIBUTES,
    watchLink: values.WATCH_LINK,
    maxStale: values.MAX_STALE_MS,
    storesPages: values.STORE_PAGES,
    presence: values.SITE_KEY === "" ? null : {
      siteKey: values.SITE_KEY,
      allowedOrigins: values.ALLOWED_ORIGINS,
      secretKeys: [values.SECRET_KEY, values.SECRET_KEY_PREVIOUS].filter((key) => key !== ""),
      maxConnections: values.MAX_CONNECTIONS,
      connectionsPerAddress: values.CONNECTIONS_PER_ADDRESS,
      newVisitors: values.NEW_VISITORS_PER_MINUTE,
      grace: values.OFFLINE_GRACE * 1000,
      storesQuery: values.STORE_QUERY,
      storesIp: values.STORE_IP,
      geoipPath: values.GEOIP_DB,
    },
    warnings,
  };
}

/** A warning for each of the REST API's keys that is so short that it may be guessed. */
export function warnOfWeakKeys(given: VariableValues): string[] {
  return (["REST_KEY", "REST_KEY_PREVIOUS", "REST_WRITE_KEY"] as const)
    .filter((name) => given[name] && given[name].length < MIN_KEY)
    .map((name) =>
      `${name} has fewer than ${MIN_KEY} characters and may be guessed: \`${MAKE_KEY}\` makes a better one`
    );
}

/** Hides everything up to the last `@`: a password in a URL is there, however misspelt the URL is. */
function withoutPassword(given: string): string {
  return given.replace(/^.*@/s, "…@");
}

function readHiddenAttributes(given: string): ReadonlySet<AttributeName> | undefined {
  const names = given.split(",").map((name) => name.trim()).filter((name) => name !== "");
  const isKnown = (name: string): name is AttributeName => ATTRIBUTE_NAMES.includes(name as AttributeName);
  return names.every(isKnown) && !names.includes("short_id") ? new Set(names) : undefined;
}

/** The values of the variables, and warnings about the file that some of them come from. */
export interface Environment {
  values: VariableValues;
  warnings: string[];
}

/**
 * Reads the variables from the environment, and those that are not set there from `.env`. White space around values is
 * removed.
 *
 * @param folder the folder of `.env`; default: the executable's, or the project's root if Foyer runs from source
 * @throws {ConfigurationError} other programs would read a value in `.env` differently, see {@link readEnvFile}
 */
export function readEnvironment(folder: string = ownFolder()): Environment {
  const { values: fromFile, warnings, ambiguous } = readEnvFile(join(folder, ".env"));
  const lines = ambiguous.filter(({ name }) => Object.hasOwn(VARIABLES, name)).map(({ name, line }) =>
    ConfigurationError.line(
      name as VariableName,
      `a value with # and without quotes in line ${line} of .env`,
      `quotes around the value, such as ${name}="…", and comments in lines of their own`,
    )
  );
  if (lines.length > 0) throw new ConfigurationError(lines);
  const values = NAMES.map((name) => [name, (Deno.env.get(name) ?? fromFile[name])?.trim()]);
  return { values: Object.fromEntries(values), warnings };
}

/**
 * Reads the configuration of this process.
 *
 * @throws {ConfigurationError} values cannot be used
 */
export function loadConfig(): Config {
  const { values, warnings } = readEnvironment();
  return readConfig(values, warnings);
}

function ownFolder(): string {
  return Deno.build.standalone ? dirname(Deno.execPath()) : fileURLToPath(new URL("..", import.meta.url));
}
