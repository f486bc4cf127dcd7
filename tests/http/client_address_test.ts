import assert from "node:assert/strict";
import fc from "fast-check";
import { clientAddresses } from "../../src/http/client_address.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { appOver } from "../support/app.ts";

const PROXIES = "10.0.0.0/8, 192.0.2.1, fd00::/8, 2001:db8::1";

/** TRUSTED_PROXIES, the peer, X-Forwarded-For, and the client's address. */
const VERDICTS: [trusted: string, peer: string, forwardedFor: string | null, client: string][] = [
  // No proxy is trusted.
  ["", "203.0.113.9", null, "203.0.113.9"],
  ["", "203.0.113.9", "6.6.6.6", "203.0.113.9"],
  ["", "127.0.0.1", "6.6.6.6", "127.0.0.1"],
  ["", "2001:db8::9", "6.6.6.6", "2001:db8::9"],
  ["", "", "6.6.6.6", ""],
  // The peer is no trusted proxy.
  [PROXIES, "203.0.113.9", null, "203.0.113.9"],
  [PROXIES, "203.0.113.9", "6.6.6.6", "203.0.113.9"],
  [PROXIES, "203.0.113.9", "10.0.0.1", "203.0.113.9"],
  [PROXIES, "192.0.2.2", "6.6.6.6", "192.0.2.2"],
  [PROXIES, "11.0.0.1", "6.6.6.6", "11.0.0.1"],
  [PROXIES, "2001:db8::2", "6.6.6.6", "2001:db8::2"],
  [PROXIES, "", "6.6.6.6", ""],
  // The peer is a trusted proxy.
  [PROXIES, "10.0.0.7", "203.0.113.9", "203.0.113.9"],
  [PROXIES, "10.255.255.255", "203.0.113.9", "203.0.113.9"],
  [PROXIES, "192.0.2.1", "203.0.113.9", "203.0.113.9"],
  [PROXIES, "fd12::7", "2001:db8::9", "2001:db8::9"],
  [PROXIES, "fd12::7", "203.0.113.9", "203.0.113.9"],
  [PROXIES, "2001:db8::1", "2001:db8::2", "2001:db8::2"],
  [PROXIES, "2001:0db8:0:0::0001", "203.0.113.9", "203.0.113.9"],
  ["0.0.0.0/0", "203.0.113.1", "2001:db8::9", "2001:db8::9"],
  ["::/0", "2001:db8::1", "203.0.113.9", "203.0.113.9"],
  ["10.9.8.7/8", "10.1.2.3", "203.0.113.9", "203.0.113.9"],
  // IPv4-mapped IPv6 addresses, as a listener on :: reports them.
  [PROXIES, "::ffff:10.0.0.7", "203.0.113.9", "203.0.113.9"],
  [PROXIES, "::ffff:203.0.113.9", "6.6.6.6", "203.0.113.9"],
  [PROXIES, "10.0.0.7", "::ffff:203.0.113.9", "203.0.113.9"],
  [PROXIES, "10.0.0.7", "203.0.113.9, ::ffff:10.0.0.8", "203.0.113.9"],
  ["::ffff:10.0.0.7", "10.0.0.7", "203.0.113.9", "203.0.113.9"],
  ["::ffff:10.0.0.0/104", "10.0.0.7", "203.0.113.9", "203.0.113.9"],
  ["::ffff:10.0.0.0/104", "::ffff:11.0.0.7", "203.0.113.9", "11.0.0.7"],
  // Several hops: the last one that is no trusted proxy is the client.
  [PROXIES, "10.0.0.7", "203.0.113.9, 10.0.0.8", "203.0.113.9"],
  [PROXIES, "10.0.0.7", "6.6.6.6, 203.0.113.9, 10.0.0.8, fd00::1,192.0.2.1", "203.0.113.9"],
  [PROXIES, "10.0.0.7", "10.0.0.9, 203.0.113.9, 10.0.0.8", "203.0.113.9"],
  [PROXIES, "10.0.0.7", "  203.0.113.9 \t", "203.0.113.9"],
  // All hops are trusted: the first one is the client.
  [PROXIES, "10.0.0.7", "10.0.0.9", "10.0.0.9"],
  [PROXIES, "10.0.0.7", "10.0.0.9, 10.0.0.8", "10.0.0.9"],
  [PROXIES, "10.0.0.7", null, "10.0.0.7"],
  [PROXIES, "10.0.0.7", "", "10.0.0.7"],
  // Ports, and the brackets of IPv6 addresses with ports.
  [PROXIES, "10.0.0.7", "203.0.113.9:4711", "203.0.113.9"],
  [PROXIES, "10.0.0.7", "[2001:db8::9]:4711", "2001:db8::9"],
  [PROXIES, "10.0.0.7", "[2001:db8::9]", "2001:db8::9"],
  [PROXIES, "10.0.0.7", "203.0.113.9, 10.0.0.8:80, [fd00::1]:443", "203.0.113.9"],
  // One address has one spelling, or a client could evade a limit by address.
  [PROXIES, "10.0.0.7", "2001:0DB8:0000::0009", "2001:db8::9"],
  // Text that is no address ends the search: the last valid address is the client's.
  [PROXIES, "10.0.0.7", "unknown", "10.0.0.7"],
  [PROXIES, "10.0.0.7", "203.0.113.9, unknown", "10.0.0.7"],
  [PROXIES, "10.0.0.7", "203.0.113.9, _hidden, 10.0.0.8", "10.0.0.8"],
  [PROXIES, "10.0.0.7", "203.0.113.9,", "10.0.0.7"],
  [PROXIES, "10.0.0.7", "203.0.113.256", "10.0.0.7"],
  [PROXIES, "10.0.0.7", "203.0.113.9/32", "10.0.0.7"],
  [PROXIES, "10.0.0.7", "for=203.0.113.9", "10.0.0.7"],
  [PROXIES, "10.0.0.7", "203.0.113.9 10.0.0.8", "10.0.0.7"],
  [PROXIES, "10.0.0.7", "3405803785", "10.0.0.7"],
  [PROXIES, "10.0.0.7", "0xcb007109", "10.0.0.7"],
  [PROXIES, "10.0.0.7", "<script>", "10.0.0.7"],
];

Deno.test("A client's address is the last one that no trusted proxy has", () => {
  for (const [trusted, peer, forwardedFor, client] of VERDICTS) {
    const networks = trusted.split(",").map((network) => network.trim()).filter((network) => network !== "");
    const what = `${peer} forwards ${forwardedFor}`;
    assert.equal(clientAddresses(networks)(peer, () => forwardedFor ?? null), client, what);
  }
});

Deno.test("The client's address is in the log of requests", async () => {
  for (const [trusted, peer, forwardedFor, client] of VERDICTS) {
    const { app, requests } = appOver(openSqliteStore(":memory:"), { TRUSTED_PROXIES: trusted });
    const headers: Record<string, string> = forwardedFor === null ? {} : { "X-Forwarded-For": forwardedFor };
    await (await app.request("/live", { headers }, peer)).text();
    assert.deepEqual(requests.map(({ client }) => client), [client], `${peer} forwards ${forwardedFor}`);
  }
});

/** The peer, X-Forwarded-For, Forwarded, and the client's address. */
const FORWARDED: [peer: string, list: string | null, forwarded: string, client: string][] = [
  ["10.0.0.7", null, "for=203.0.113.9", "203.0.113.9"],
  ["10.0.0.7", null, "For=203.0.113.9;proto=https;by=10.0.0.7", "203.0.113.9"],
  ["10.0.0.7", null, "proto=https; host=acme.com; for=203.0.113.9", "203.0.113.9"],
  ["10.0.0.7", null, 'for="203.0.113.9:4711"', "203.0.113.9"],
  ["10.0.0.7", null, 'for="[2001:db8::9]:4711"', "2001:db8::9"],
  ["10.0.0.7", null, 'for="[2001:db8::9]"', "2001:db8::9"],
  ["10.0.0.7", null, 'for="[::ffff:203.0.113.9]"', "203.0.113.9"],
  ["10.0.0.7", null, "for=6.6.6.6, for=203.0.113.9, for=10.0.0.8", "203.0.113.9"],
  ["10.0.0.7", null, "for=6.6.6.6,for=203.0.113.9", "203.0.113.9"],
  ["10.0.0.7", null, 'host="a,b";for=203.0.113.9', "203.0.113.9"],
  ["10.0.0.7", null, 'for="[2001:db8::9]:_port"', "2001:db8::9"],
  ["10.0.0.7", null, 'for="203.0.113.9:_http"', "203.0.113.9"],
  ["10.0.0.7", null, 'for=203.0.113.9;secret="x\\"y,z"', "203.0.113.9"],
  ["10.0.0.7", null, 'for="\\203.0.113.9"', "203.0.113.9"],
  ["10.0.0.7", null, "for=203.0.113.9;;proto=http;", "203.0.113.9"],
  ["10.0.0.7", null, ";for=203.0.113.9", "203.0.113.9"],
  ["10.0.0.7", null, "for=203.0.113.9;x-y.z=1", "203.0.113.9"],
  ["10.0.0.7", null, "for=203.0.113.9, ,", "203.0.113.9"],
  ["10.0.0.7", null, "proto=https;forwarded=1;for=203.0.113.9", "203.0.113.9"],
  ["10.0.0.7", null, 'host="for=6.6.6.6";for=203.0.113.9', "203.0.113.9"],
  ["10.0.0.7", null, 'host="x;for=6.6.6.6";for=203.0.113.9', "203.0.113.9"],
  ["10.0.0.7", null, 'for=203.0.113.9;host="a;b,c=d"', "203.0.113.9"],
  ["10.0.0.7", null, "for=203.0.113.9;host=[::1]:8080;proto=https", "203.0.113.9"],
  ["10.0.0.7", null, 'for=6.6.6.6;x="\\", for=203.0.113.9', "203.0.113.9"],
  ["10.0.0.7", null, "for = 203.0.113.9", "10.0.0.7"],
  ["10.0.0.7", null, "for=203.0.113.9;x", "10.0.0.7"],
  ["10.0.0.7", null, "for='203.0.113.9'", "10.0.0.7"],
  ["10.0.0.7", null, "for=unknown", "10.0.0.7"],
  ["10.0.0.7", null, "for=6.6.6.6, for=_hidden, for=10.0.0.8", "10.0.0.8"],
  ["10.0.0.7", null, "for=6.6.6.6, proto=https", "10.0.0.7"],
  ["10.0.0.7", null, "6.6.6.6", "10.0.0.7"],
  ["10.0.0.7", null, "", "10.0.0.7"],
  // The client sent an unclosed quote, to which the proxy appended its element.
  ["10.0.0.7", null, 'for="6.6.6.6, for=203.0.113.9', "203.0.113.9"],
  ["10.0.0.7", null, 'for="6.6.6.6, for="[2001:db8::9]"', "2001:db8::9"],
  ["10.0.0.7", null, 'for=6.6.6.6;x=", for="203.0.113.9:1"', "203.0.113.9"],
  ["10.0.0.7", null, `${"x,".repeat(9000)}for=203.0.113.9`, "203.0.113.9"],
  // Forwarded is ignored from other peers, and beside X-Forwarded-For.
  ["198.51.100.1", null, "for=203.0.113.9", "198.51.100.1"],
  ["10.0.0.7", "203.0.113.9", "for=6.6.6.6", "203.0.113.9"],
  ["10.0.0.7", "unknown", "for=6.6.6.6", "10.0.0.7"],
];

Deno.test("Forwarded gives the address where a trusted proxy wrote no X-Forwarded-For", () => {
  const addressOf = clientAddresses(PROXIES.split(", "));
  for (const [peer, list, forwarded, client] of FORWARDED) {
    const header = (name: string) => name === "Forwarded" ? forwarded : list;
    assert.equal(addressOf(peer, header), client, `${peer} ${list} ${forwarded.slice(0, 80)}`);
  }
});

Deno.test("An IPv4 address in IPv6 form, as a dual-stack socket reports it, becomes IPv4, without proxies too", () => {
  for (const trusted of [[], ["10.0.0.0/8"]]) {
    const addressOf = clientAddresses(trusted);
    assert.equal(addressOf("::ffff:192.0.2.1", () => null), "192.0.2.1");
    assert.equal(addressOf("::ffff:c000:201", () => null), "192.0.2.1");
    assert.equal(addressOf("2001:db8::1", () => null), "2001:db8::1");
    assert.equal(addressOf("", () => null), "");
  }
});

Deno.test("No other header gives an address", async () => {
  const { app, requests } = appOver(openSqliteStore(":memory:"), { TRUSTED_PROXIES: PROXIES });
  const headers = {
    "X-Real-IP": "6.6.6.6",
    "X-Client-IP": "6.6.6.6",
    "X-Forwarded": "6.6.6.6",
    "True-Client-IP": "6.6.6.6",
    "CF-Connecting-IP": "6.6.6.6",
    "Via": "6.6.6.6",
  };
  await (await app.request("/live", { headers }, "10.0.0.7")).text();
  assert.deepEqual(requests.map(({ client }) => client), ["10.0.0.7"]);
});

Deno.test("Whatever a client writes before what a trusted proxy appends changes nothing", () => {
  const addressOf = clientAddresses(PROXIES.split(", "));
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  const forged = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.oneof(address, fc.string(), fc.constantFrom("10.0.0.1", "fd00::1", ""))).map((hops) =>
      hops.join()
    ),
  );
  const hops = fc.array(fc.constantFrom("10.0.0.1", "10.9.9.9:80", "192.0.2.1", "fd00::1", "[fd00::2]:443"));
  fc.assert(
    fc.property(forged, address, hops, (forged, client, hops) => {
      const expected = addressOf(client, () => null);
      // A client within a proxy's own network is taken for a proxy.
      fc.pre(addressOf(client, () => "198.51.100.7") === expected);
      assert.equal(addressOf(client, () => forged), expected, "where no proxy of ours is between");
      assert.equal(addressOf("10.0.0.7", () => [forged, client, ...hops].join(", ")), expected);
    }),
    { numRuns: 500 },
  );
});
