import assert from "node:assert/strict";
import {
  type Config,
  ConfigurationError,
  type PresenceConfig,
  readConfig,
  readEnvironment,
  VARIABLES,
} from "../src/config.ts";
import { testInFolder } from "./support/folders.ts";

type Environment = Parameters<typeof readConfig>[0];
type VariableName = keyof typeof VARIABLES;

/** The lines by which a configuration is refused; none where it is accepted. */
function linesOf(environment: Environment): string[] {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    return error.lines;
  }
}

Deno.test("Without any variable every value is its default", () => {
  const defaults: Config = {
    baseEndpoint: "http://localhost:5002",
    prefix: "",
    restKey: "",
    previousRestKey: "",
    writeKey: "",
    store: { kind: "sqlite", path: "foyer.db", isChosen: false },
    console: "full",
    port: 5002,
    host: "0.0.0.0",
    admin: null,
    trustedProxies: [],
    logLevel: "info",
    rateLimit: null,
    lookupMisses: 10,
    maxStreams: 1000,
    retentionDays: null,
    hiddenAttributes: new Set(),
    watchLink: "",
    maxStale: 0,
    storesPages: true,
    presence: null,
    warnings: [],
  };
  assert.deepEqual(readConfig({}), defaults);
  const empty = Object.fromEntries(Object.keys(VARIABLES).map((name) => [name, ""]));
  assert.deepEqual(readConfig(empty), defaults, "an empty variable is an absent one");
});

Deno.test("BASE_ENDPOINT's default has the port in it", () => {
  assert.equal(readConfig({ PORT: "8080" }).baseEndpoint, "http://localhost:8080");
});

const ACCEPTED: { [Name in VariableName]?: [given: string, field: keyof Config, value: unknown][] } = {
  BASE_ENDPOINT: [
    ["https://support.acmetech.com/cobrowsing", "prefix", "/cobrowsing"],
    ["https://support.acmetech.com/cobrowsing/", "prefix", "/cobrowsing"],
    ["https://support.acmetech.com/cobrowsing///", "baseEndpoint", "https://support.acmetech.com/cobrowsing"],
    ["https://support.acmetech.com", "prefix", ""],
    ["https://support.acmetech.com/", "baseEndpoint", "https://support.acmetech.com"],
    ["http://localhost:5002/a/b", "prefix", "/a/b"],
    ["https://acme.com/a/../b", "prefix", "/b"],
    ["HTTPS://Acme.COM/Support", "baseEndpoint", "https://acme.com/Support"],
    ["http://[::1]:5002", "baseEndpoint", "http://[::1]:5002"],
    ["https://acme.com/caf%C3%A9", "prefix", "/café"],
    ["https://acme.com/caf%C3%A9", "baseEndpoint", "https://acme.com/caf%C3%A9"],
    ["https://acme.com/a-b_c.d~e", "prefix", "/a-b_c.d~e"],
  ],
  REST_KEY: [
    ["k", "restKey", "k"],
    ["with inner spaces", "restKey", "with inner spaces"],
    ["!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "restKey", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"],
    ["Bearer key", "restKey", "Bearer key"],
  ],
  MONGO_URI: [
    ["mongodb://localhost:27017/foyer", "store", {
      kind: "mongodb",
      uri: "mongodb://localhost:27017/foyer",
      collection: "visitors",
    }],
    ["mongodb+srv://cluster.example.com/", "store", {
      kind: "mongodb",
      uri: "mongodb+srv://cluster.example.com/",
      collection: "visitors",
    }],
  ],
  SQLITE_PATH: [
    ["/var/lib/foyer/visitors.db", "store", {
      kind: "sqlite",
      path: "/var/lib/foyer/visitors.db",
      isChosen: true,
    }],
    ["foyer.db", "store", { kind: "sqlite", path: "foyer.db", isChosen: true }],
  ],
  PORT: [["1", "port", 1], ["65535", "port", 65535], ["443", "port", 443]],
  HOST: [
    ["127.0.0.1", "host", "127.0.0.1"],
    ["::", "host", "::"],
    ["localhost", "host", "localhost"],
    ["my-host.example.com", "host", "my-host.example.com"],
  ],
  ADMIN_PORT: [["5003", "admin", { port: 5003, host: "127.0.0.1" }]],
  TRUSTED_PROXIES: [
    ["127.0.0.1", "trustedProxies", ["127.0.0.1"]],
    ["10.0.0.0/8, fd00::/8 ,::1", "trustedProxies", ["10.0.0.0/8", "fd00::/8", "::1"]],
  ],
  LOG_LEVEL: ["debug", "info", "warning", "error"].map((level) => [level, "logLevel", level]),
  RATE_LIMIT: [["1", "rateLimit", 1], ["1000000", "rateLimit", 1_000_000]],
  LOOKUP_MISSES_PER_MINUTE: [["0", "lookupMisses", null], ["3", "lookupMisses", 3]],
  RETENTION_DAYS: [["1", "retentionDays", 1], ["365", "retentionDays", 365]],
  MAX_STALE_MS: [["0", "maxStale", 0], ["5000", "maxStale", 5000]],
  HIDDEN_ATTRIBUTES: [
    ["ip_address,location_city", "hiddenAttributes", new Set(["ip_address", "location_city"])],
    [" ip_address , email ,", "hiddenAttributes", new Set(["ip_address", "email"])],
    ["is_online", "hiddenAttributes", new Set(["is_online"])],
    [",", "hiddenAttributes", new Set()],
  ],
  WATCH_LINK: [
    ["https://acme.com/watch/{short_id}", "watchLink", "https://acme.com/watch/{short_id}"],
    [
      "https://acme.com/{short_id}?by={agent_id}&n={agent_name}",
      "watchLink",
      "https://acme.com/{short_id}?by={agent_id}&n={agent_name}",
    ],
    ["http://acme.com/?v={short_id}&w={short_id}", "watchLink", "http://acme.com/?v={short_id}&w={short_id}"],
  ],
};

for (const [name, rows] of Object.entries(ACCEPTED)) {
  Deno.test(`${name} accepts what is usable`, () => {
    for (const [given, field, value] of rows) {
      assert.deepEqual(readConfig({ [name]: given })[field], value, given);
    }
  });
}

Deno.test("MONGO_COLLECTION names the collection of MONGO_URI", () => {
  for (const name of ["visitors", "crm.visitors", "site visitors", "besuché"]) {
    const { store } = readConfig({ MONGO_URI: "mongodb://localhost", MONGO_COLLECTION: name });
    assert.deepEqual(store, { kind: "mongodb", uri: "mongodb://localhost", collection: name });
  }
});

/** What makes pages connect. */
const PRESENCE: Environment = { SITE_KEY: "site", SECRET_KEY: "s".repeat(32) };

Deno.test("With SITE_KEY pages connect, as its variables say", () => {
  assert.deepEqual(readConfig(PRESENCE).presence, {
    siteKey: "site",
    allowedOrigins: new Set(),
    secretKeys: ["s".repeat(32)],
    maxConnections: 20_000,
    connectionsPerAddress: 200,
    newVisitors: 120,
    grace: 10_000,
    storesQuery: false,
    storesIp: true,
    geoipPath: "",
  });
  const set: [environment: Environment, field: keyof PresenceConfig, value: unknown][] = [
    [{ ALLOWED_ORIGINS: "*" }, "allowedOrigins", "*"],
    [
      { ALLOWED_ORIGINS: "https://www.acme.com, http://localhost:8080 ," },
      "allowedOrigins",
      new Set(["https://www.acme.com", "http://localhost:8080"]),
    ],
    [
      { ALLOWED_ORIGINS: "capacitor://localhost,ionic://com.acme.app,tauri://localhost,app://shop:80" },
      "allowedOrigins",
      new Set(["capacitor://localhost", "ionic://com.acme.app", "tauri://localhost", "app://shop:80"]),
    ],
    [{ SECRET_KEY_PREVIOUS: "p".repeat(32) }, "secretKeys", ["s".repeat(32), "p".repeat(32)]],
    [{ MAX_CONNECTIONS: "1" }, "maxConnections", 1],
    [{ CONNECTIONS_PER_ADDRESS: "0" }, "connectionsPerAddress", null],
    [{ NEW_VISITORS_PER_MINUTE: "0" }, "newVisitors", null],
    [{ OFFLINE_GRACE: "0" }, "grace", 0],
    [{ STORE_QUERY: "true" }, "storesQuery", true],
    [{ STORE_IP: "false" }, "storesIp", false],
    [{ GEOIP_DB: "city.mmdb" }, "geoipPath", "city.mmdb"],
  ];
  for (const [environment, field, value] of set) {
    assert.deepEqual(readConfig({ ...PRESENCE, ...environment }).presence?.[field], value, field);
  }
  assert.equal(readConfig({ ...PRESENCE, SITE_KEY: "" }).presence, null, "without it they do not");
});

const REFUSED: { [Name in VariableName]?: string[] } = {
  BASE_ENDPOINT: [
    "support.acmetech.com",
    "/cobrowsing",
    "ftp://acme.com",
    "javascript:alert(1)",
    "https://",
    "https:acme.com",
    "https:/acme.com",
    "https:///acme.com",
    "https://acme.com/?a=b",
    "https://acme.com/#a",
    "https://acme.com/?",
    "https://acme.com/#",
    "https://user@acme.com/",
    "https://acme.com/a//b",
    "https://acme.com/:id",
    "https://acme.com/*",
    "https://acme.com/{a}",
    "https://acme.com/%zz",
    "https://acme.com/%E9",
    "https://acme.com/a%2Fb",
    "https://acme.com:99999",
    "https://acme.com https://acme.org",
    " ",
  ],
  REST_KEY: [" ", " key", "key ", "\tkey", "key\n", "a\nb", "a\tb", "clé", "ключ", "a\u00a0b", "a\0b"],
  MONGO_URI: [
    "localhost:27017",
    "http://localhost:27017",
    "mongodb:/localhost",
    "mongodb://",
    "mongodb:///foyer",
  ],
  MONGO_COLLECTION: ["system.users", ".visitors", "visitors.", "a..b", "a$b", "a\0b", "x".repeat(201)],
  SQLITE_PATH: ["file:foyer.db", "file:///var/lib/foyer.db?mode=ro", "FILE:foyer.db"],
  PORT: ["0", "65536", "-1", "5002.0", "0x50", "1e3", "port", "5002 ", "５００２", "999999"],
  HOST: ["127.0.0.1:5002/", "http://localhost", "a b", "[::1]", " ", "a/b", "höst"],
  ADMIN_PORT: ["0", "65536", "5002", "port"],
  ADMIN_HOST: ["a b", "[::1]"],
  TRUSTED_PROXIES: ["proxy.example.com", "10.0.0.0/33", "10.0.0.0/", "10", "1.2.3.4/8/8", "*", "::/129"],
  LOG_LEVEL: ["INFO", "verbose", "warn", "0"],
  RATE_LIMIT: ["0", "-1", "1.5", "10/s", "1000001"],
  LOOKUP_MISSES_PER_MINUTE: ["-1", "many", "1.5"],
  RETENTION_DAYS: ["0", "-30", "30d", "36501", "1.5"],
  MAX_STALE_MS: ["5001", "-1", "1s"],
  SITE_KEY: [" key", "clé"],
  SECRET_KEY: ["short", "s".repeat(31)],
  SECRET_KEY_PREVIOUS: ["short"],
  ALLOWED_ORIGINS: [
    "www.acme.com",
    "https://www.acme.com/",
    "https://www.acme.com/shop",
    "https://acme.com:443",
    "https://Acme.com",
    "https://*.acme.com",
    "*,https://acme.com",
    "https://bücher.example",
    "ftp://acme.com",
    "null",
    "capacitor://",
    "capacitor://localhost/",
    "capacitor:localhost",
    "Capacitor://localhost",
    "capacitor://*",
    "capacitor://user@localhost",
    "file://localhost",
    "wss://acme.com",
    "ws://acme.com",
    "javascript://acme.com",
    "data://acme.com",
  ],
  MAX_STREAMS: ["0", "many", "-1"],
  MAX_CONNECTIONS: ["0", "many", "-1"],
  CONNECTIONS_PER_ADDRESS: ["-1", "1.5"],
  NEW_VISITORS_PER_MINUTE: ["-1", "1.5"],
  OFFLINE_GRACE: ["10s", "-1", "3601"],
  STORE_QUERY: ["yes", "1", "TRUE"],
  STORE_IP: ["no", "0"],
  HIDDEN_ATTRIBUTES: [
    "short_id",
    "ip_address,short_id",
    "shoe_size",
    "IP_ADDRESS",
    "ip_address location_city",
    "__proto__",
  ],
  WATCH_LINK: [
    "https://acme.com/watch",
    "https://acme.com/{id}",
    "/watch/{short_id}",
    "javascript:alert('{short_id}')",
    "{short_id}",
    "ftp://acme.com/{short_id}",
    "https:// /{short_id}",
    "https://acme.com/{short_id}?by={agent}",
    "https://acme.com/{short_id}?a b",
  ],
};

for (const [name, rows] of Object.entries(REFUSED)) {
  Deno.test(`${name} refuses what is not usable, in one line that names it and shows a right value`, () => {
    for (const given of rows) {
      const lines = linesOf({ [name]: given });
      assert.equal(lines.length, 1, `${JSON.stringify(given)}: ${JSON.stringify(lines)}`);
      assert.match(lines[0], new RegExp(`^${name}: given .+, expected .+`));
      assert.ok(!lines[0].includes("\n"), "a line is one line");
    }
  });
}

Deno.test("The other keys stand beside REST_KEY, and each key is one of its own", () => {
  const verdicts: [environment: Environment, lines: string[]][] = [
    [{ REST_KEY: "r", REST_KEY_PREVIOUS: "p", REST_WRITE_KEY: "w" }, []],
    [{ REST_WRITE_KEY: "w" }, [
      "REST_WRITE_KEY: given a value without REST_KEY, expected REST_KEY beside it",
    ]],
    [{ REST_KEY_PREVIOUS: "p" }, [
      "REST_KEY_PREVIOUS: given a value without REST_KEY, expected REST_KEY beside it",
    ]],
    [{ REST_KEY: "r", REST_WRITE_KEY: "r" }, [
      "REST_WRITE_KEY: given REST_KEY's value, expected a key of its own",
    ]],
    [{ REST_KEY: "r", REST_KEY_PREVIOUS: "w", REST_WRITE_KEY: "w" }, [
      "REST_WRITE_KEY: given REST_KEY_PREVIOUS's value, expected a key of its own",
    ]],
  ];
  const presence: typeof verdicts = [
    [{ ...PRESENCE, REST_KEY: "r", SECRET_KEY_PREVIOUS: "p".repeat(32) }, []],
    [{ SITE_KEY: "site" }, ["SITE_KEY: given a value without SECRET_KEY, expected SECRET_KEY beside it"]],
    [{ ...PRESENCE, REST_KEY: "site" }, ["SITE_KEY: given REST_KEY's value, expected a key of its own"]],
    [{ ...PRESENCE, REST_KEY: "r", REST_WRITE_KEY: "site" }, [
      "SITE_KEY: given REST_WRITE_KEY's value, expected a key of its own",
    ]],
    [{ SITE_KEY: "s".repeat(32), SECRET_KEY: "s".repeat(32) }, [
      "SECRET_KEY: given SITE_KEY's value, expected a key of its own",
    ]],
    [{ ...PRESENCE, SECRET_KEY_PREVIOUS: "s".repeat(32) }, [
      "SECRET_KEY_PREVIOUS: given SECRET_KEY's value, expected a key of its own",
    ]],
  ];
  for (const [environment, lines] of [...verdicts, ...presence]) {
    assert.deepEqual(linesOf(environment), lines);
  }
});

Deno.test("MONGO_URI together with SQLITE_PATH is refused", () => {
  const lines = linesOf({ MONGO_URI: "mongodb://localhost/foyer", SQLITE_PATH: "foyer.db" });
  assert.equal(lines.length, 1);
  assert.match(lines[0], /^SQLITE_PATH: given "foyer\.db" together with MONGO_URI, expected one of the two/);
});

Deno.test("Every wrong variable has a line of its own, and a right one has none", () => {
  const wrong = Object.fromEntries(Object.entries(REFUSED).map(([name, [given]]) => [name, given]));
  const lines = linesOf(wrong);
  assert.deepEqual(lines.map((line) => line.split(":")[0]).sort(), Object.keys(REFUSED).sort());
});

Deno.test("A key that may be guessed is a warning with the command that makes a better one", () => {
  const warnings = (environment: Environment) => readConfig(environment).warnings;
  assert.deepEqual(warnings({ REST_KEY: "r".repeat(16), REST_WRITE_KEY: "w".repeat(16) }), []);
  assert.deepEqual(
    warnings({ REST_KEY: "S3cr3t", REST_KEY_PREVIOUS: "S3cr3t2", REST_WRITE_KEY: "w".repeat(15) }),
    [
      "REST_KEY has fewer than 16 characters and may be guessed: `openssl rand -hex 32` makes a better one",
      "REST_KEY_PREVIOUS has fewer than 16 characters and may be guessed: `openssl rand -hex 32` makes a better one",
      "REST_WRITE_KEY has fewer than 16 characters and may be guessed: `openssl rand -hex 32` makes a better one",
    ],
  );
  assert.deepEqual(warnings({ REST_KEY: "r".repeat(16), ...PRESENCE }), [], "a site key is public");
});

/** Reads the environment of a folder with this `.env`. */
async function readWith(folder: string, env: string | Uint8Array, mode = 0o600) {
  await Deno.writeFile(`${folder}/.env`, typeof env === "string" ? new TextEncoder().encode(env) : env);
  await Deno.chmod(`${folder}/.env`, mode);
  return readEnvironment(folder);
}

testInFolder(
  "A .env gives values without white space around them, and the environment wins",
  async (folder) => {
    const { values, warnings } = await readWith(
      folder,
      [
        "# a comment with = and #",
        "REST_KEY=  a key  \r",
        "export REST_WRITE_KEY = 'quoted # with a hash' # and a comment",
        'SECRET_KEY="a # b" ',
        'SITE_KEY="\n  of two lines\n"',
        "OTHER=not # ours",
        "HOST=",
        "LOG_LEVEL=debug",
      ].join("\n"),
    );
    assert.deepEqual(warnings, []);
    const { REST_KEY, REST_WRITE_KEY, SECRET_KEY, SITE_KEY, HOST, PORT, LOG_LEVEL } = values;
    assert.deepEqual({ REST_KEY, REST_WRITE_KEY, SECRET_KEY, SITE_KEY, HOST, PORT, LOG_LEVEL }, {
      REST_KEY: "a key",
      REST_WRITE_KEY: "quoted # with a hash",
      SECRET_KEY: "a # b",
      SITE_KEY: "of two lines",
      HOST: "",
      PORT: undefined,
      LOG_LEVEL: "debug",
    });
    Deno.env.set("LOG_LEVEL", " \n error\t");
    try {
      assert.equal((await readWith(folder, "LOG_LEVEL=debug")).values.LOG_LEVEL, "error");
    } finally {
      Deno.env.delete("LOG_LEVEL");
    }
  },
);

testInFolder("A # in a value without quotes is refused, with its line and the remedy", async (folder) => {
  const verdicts: [env: string, lines: [name: string, line: number][]][] = [
    ["REST_KEY=S3cr3t#1", [["REST_KEY", 1]]],
    ["# fine\n\nREST_KEY=S3cr3t # a comment\nPORT=1\nexport SITE_KEY=#S3cr3t", [["REST_KEY", 3], [
      "SITE_KEY",
      5,
    ]]],
    ['A="\n1\n2"\r\nREST_KEY="S3cr3t#', [["REST_KEY", 4]]],
    ["HOST: S3cr3t#1", [["HOST", 1]]],
    ["OTHER=a#b\nREST_KEY='a#b'", []],
  ];
  for (const [env, expected] of verdicts) {
    const lines = await readWith(folder, env).then(() => [], (error) => {
      assert.ok(error instanceof ConfigurationError);
      return error.lines;
    });
    assert.deepEqual(
      lines,
      expected.map(([name, line]) =>
        `${name}: given a value with # and without quotes in line ${line} of .env, ` +
        `expected quotes around the value, such as ${name}="…", and comments in lines of their own`
      ),
    );
  }
});

testInFolder("A .env that cannot be read, is not UTF-8 or is open to others is a warning", async (folder) => {
  const path = `${folder}/.env`;
  assert.deepEqual(readEnvironment(folder).warnings, [], "none is there");
  const latin1 = await readWith(
    folder,
    new Uint8Array([...new TextEncoder().encode("HOST=::\n# caf"), 0xe9]),
  );
  assert.deepEqual(latin1.warnings, [`Ignored ${path}: it is not UTF-8`]);
  assert.equal(latin1.values.HOST, undefined);
  for (const mode of [0o644, 0o604]) {
    const { values, warnings } = await readWith(folder, "HOST=::", mode);
    assert.deepEqual(warnings, [`Other users of this host may read ${path}: run \`chmod o-rwx\` on it`]);
    assert.equal(values.HOST, "::");
  }
  const byGroup = await readWith(folder, "HOST=::", 0o640);
  assert.deepEqual(byGroup.warnings, [], "a service may read by its group what it may not change");
  await Deno.remove(path);
  await Deno.mkdir(path);
  assert.match(readEnvironment(folder).warnings.join(), /^Ignored .*\.env: it cannot be read \(\w+\)$/);
});

Deno.test("A wrong PORT does not make the absent BASE_ENDPOINT wrong", () => {
  assert.deepEqual(linesOf({ PORT: "70000" }).map((line) => line.split(":")[0]), ["PORT"]);
});

Deno.test("A line says what was given, where that is no secret", () => {
  assert.deepEqual(linesOf({ HOST: "a b" }), [
    'HOST: given "a b", expected an address to listen on such as 0.0.0.0 or 127.0.0.1',
  ]);
});

Deno.test("No line shows a secret's value", () => {
  const secret = "S3cr3t";
  const refused: Environment[] = [
    { REST_KEY: `${secret}\n` },
    { REST_KEY: ` ${secret}` },
    { REST_KEY: `${secret}é` },
    { REST_KEY: "r", REST_WRITE_KEY: `${secret}é`, REST_KEY_PREVIOUS: ` ${secret}` },
    { REST_WRITE_KEY: secret },
    { REST_KEY: secret, REST_WRITE_KEY: secret },
    { SITE_KEY: "site", SECRET_KEY: secret },
    { SECRET_KEY_PREVIOUS: secret },
    { MONGO_URI: `mongo://user:${secret}@localhost/foyer` },
    { MONGO_URI: `user:${secret}@localhost` },
    { MONGO_URI: `mongodb://user:${secret}@localhost/foyer`, SQLITE_PATH: "foyer.db" },
    { BASE_ENDPOINT: `https://user:${secret}@acme.com/support` },
    { BASE_ENDPOINT: `https://user:${secret}@acme.com/support?a=b` },
    { BASE_ENDPOINT: `ftp://user:${secret}@acme.com/support` },
    { BASE_ENDPOINT: `https://user:a/${secret}@acme.com/support` },
    { BASE_ENDPOINT: `https://user:a@${secret}@acme.com/support` },
    { BASE_ENDPOINT: `https:/user:${secret}@acme.com/support` },
    { BASE_ENDPOINT: `https:\\\\user:${secret}@acme.com/support` },
    { BASE_ENDPOINT: `user:${secret}@acme.com/support` },
    { WATCH_LINK: `https://user:${secret}@acme.com/watch` },
    { WATCH_LINK: `https://user:a/${secret}@acme.com/watch` },
    { WATCH_LINK: `user:${secret}@acme.com/{short_id}` },
  ];
  for (const environment of refused) {
    const lines = linesOf(environment);
    assert.notDeepEqual(lines, [], JSON.stringify(environment));
    assert.ok(!lines.join("\n").includes(secret), lines.join("\n"));
  }
});

Deno.test("The error's own message is its lines", () => {
  assert.throws(() => readConfig({ REST_KEY: " ", HOST: "a b" }), (error) => {
    assert.ok(error instanceof ConfigurationError);
    assert.equal(error.message, error.lines.join("\n"));
    assert.equal(error.lines.length, 2);
    return true;
  });
});
