import assert from "node:assert/strict";
import vm from "node:vm";
import fc from "fast-check";
import { type PageMessage, readMessage } from "../../src/presence/messages.ts";
import { hasAllRights } from "../support/rights.ts";

const WELCOME = JSON.stringify({ type: "welcome", short_id: "a", token: "a.b", lookup_code: "1234" });

interface Page {
  options: Record<string, unknown>;
  updates?: unknown[];
  url?: string;
}

/**
 * Runs the SDK with some claims, and returns all messages that it sends.
 *
 * Uses neither a browser nor a connection, but the few globals that the SDK needs; tests/browser runs it in a browser.
 */
async function sentBy(
  sdk: vm.Script,
  { options, updates = [], url = "https://acme.com/" }: Page,
): Promise<string[]> {
  const sent: string[] = [];
  const { promise: opened, resolve: open } = Promise.withResolvers<WebSocketLike>();
  class WebSocketLike {
    declare onopen: () => void;
    declare onmessage: (event: { data: string }) => void;
    constructor() {
      open(this);
    }
    send(message: string) {
      sent.push(message);
    }
    close() {}
  }
  const page = {
    WebSocket: WebSocketLike,
    document: { addEventListener() {}, querySelector: () => null },
    location: { href: url },
    navigator: {},
    console: { warn() {} },
    addEventListener() {},
    setInterval() {},
    ...{ setTimeout, clearTimeout, performance, AbortController, TextEncoder },
  };
  const { Foyer } = sdk.runInContext(vm.createContext(page)) ??
    page as unknown as { Foyer: CallableFunction };
  Foyer("init", { ...options, apiKey: "site" });
  for (const update of updates) Foyer("updateConnection", update);
  const socket = await opened;
  socket.onopen();
  socket.onmessage({ data: WELCOME });
  Foyer("disconnect");
  return sent;
}

/** Texts at and above every limit, and texts that are not well-formed Unicode. */
const TEXT = fc.oneof(
  fc.string({ unit: "binary", maxLength: 400 }),
  fc.array(fc.nat(0xffff), { maxLength: 300 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom(
    ...[
      "",
      " ",
      "#",
      "#a",
      "#a b",
      ":",
      "crm:",
      "crm:1",
      "crm: 1",
      "a@example.com",
      "a@b",
      "__proto__",
      "_bsontype",
      "\0",
    ],
    ...[
      "x".repeat(256),
      "x".repeat(257),
      "#".padEnd(64, "x"),
      "#".padEnd(65, "x"),
      `#${"\u{20000}".repeat(40)}`,
    ],
    ...[
      "\ud800",
      `${"x".repeat(255)}\u{1F9E1}`,
      `crm:${"\u0001".repeat(252)}`,
      `crm:${"\u{1F9E1}".repeat(126)}`,
    ],
  ),
);

const VALUE = fc.oneof(
  { weight: 3, arbitrary: TEXT },
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSparseArray: true,
  }),
  fc.array(TEXT, { maxLength: 80, size: "max" }),
  fc.dictionary(TEXT, fc.oneof(TEXT, fc.double(), fc.boolean(), fc.anything()), { maxKeys: 80, size: "max" }),
);

const NAMES = [
  "identities",
  "uniqueId",
  "tags",
  "integrationIds",
  "callName",
  "name",
  "email",
  "metadata",
  "other",
];
const CLAIMS = fc.record(Object.fromEntries(NAMES.map((name) => [name, VALUE])), { requiredKeys: [] });

if (hasAllRights) {
  const readSdk = async () =>
    new vm.Script(await Deno.readTextFile(new URL("../../src/presence/sdk.js", import.meta.url)));

  Deno.test("Whatever a web page claims, the server accepts the SDK's messages", async () => {
    const sdk = await readSdk();
    await fc.assert(
      fc.asyncProperty(
        CLAIMS,
        fc.array(fc.oneof(CLAIMS, VALUE), { maxLength: 3 }),
        async (options, updates) => {
          const messages = (await sentBy(sdk, { options, updates })).map(readMessage);
          assert.equal(messages[0].type, "hello");
        },
      ),
      { numRuns: 300 },
    );
  });

  Deno.test("The largest possible claims are sent, in several messages", async () => {
    const many = (text: (i: number) => string) => Array.from({ length: 70 }, (_, i) => text(i));
    const sent = await sentBy(await readSdk(), {
      options: {
        identities: many((i) => `${i}${"\u{1F9E1}".repeat(200)}`),
        tags: many((i) => `#tag-${i}`),
        integrationIds: many((i) => `crm:${"x".repeat(200)}${i}`),
        metadata: Object.fromEntries(many((i) => `key${i}`).map((key) => [key, "é".repeat(100)])),
        uniqueId: "x".repeat(256),
        name: "x".repeat(1000),
      },
      url: `https://acme.com/${"x".repeat(3000)}?query`,
    });
    const visitor = Object.assign(
      {},
      ...sent.map(readMessage).map((message: PageMessage) =>
        message.type === "update" ? message.visitor : {}
      ),
    );
    const { identities, tags, integration_ids, metadata, unique_id, name } = visitor;
    assert.deepEqual([identities.length, tags.length, integration_ids.length], [20, 50, 50]);
    assert.deepEqual([unique_id.length, name.length], [256, 256]);
    assert.equal(Object.keys(metadata).length, 50);
  });
}
