/**
 * Finds the client's address of a request that came through trusted reverse proxies.
 *
 * @module
 */
import ipaddr from "ipaddr.js";

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/**
 * Returns a function that finds a client's address. That is the peer's address; or, if the peer is a trusted proxy, the
 * last address in `X-Forwarded-For` that is no trusted proxy. Addresses that the client itself wrote there come before
 * it, and have no effect. `Forwarded` (RFC 7239) is read only if there is no `X-Forwarded-For`, since a proxy that writes
 * the latter may pass on a `Forwarded` from the client.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const addressOf = clientAddresses(["10.0.0.0/8"]);
 * assert.equal(addressOf("10.0.0.7", () => "6.6.6.6, 203.0.113.9, 10.0.0.8"), "203.0.113.9");
 * assert.equal(addressOf("198.51.100.1", () => "203.0.113.9"), "198.51.100.1");
 * ```
 *
 * @param trustedProxies addresses, or networks in CIDR notation
 */
export function clientAddresses(
  trustedProxies: string[],
): (peer: string, header: (name: string) => string | null) => string {
  const networks = trustedProxies.map(networkOf);
  const isTrusted = (address: Address) =>
    networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
  return (peer, header) => {
    if (!ipaddr.isValid(peer)) return peer;
    // A dual-stack socket reports an IPv4 address as `::ffff:192.0.2.1`.
    let address: Address = ipaddr.process(peer);
    if (!isTrusted(address)) return address.toString();
    const hops = hopsOf(header);
    while (isTrusted(address) && hops.length > 0) {
      const hop = withoutPort(hops.pop()!);
      // No trusted proxy wrote an invalid address: the last valid one counts as the client's.
      if (!ipaddr.isValid(hop) || !/[.:].*[.:]/.test(hop)) break;
      address = ipaddr.process(hop);
    }
    return address.toString();
  };
}

/**
 * The network that counts as one client: an IPv4 address, or the /64 of an IPv6 address, since a client may choose any
 * address within its /64 (RFC 4291, section 2.5.1).
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(clientNetwork("203.0.113.9"), "203.0.113.9");
 * assert.equal(clientNetwork("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
 * ```
 */
export function clientNetwork(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed: Address = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toNormalizedString()}/64`)}/64`;
}

/** A network's address and prefix length. IPv4-mapped IPv6 networks become IPv4, since addresses do so too. */
function networkOf(network: string): [Address, number] {
  if (!network.includes("/")) {
    const address = ipaddr.process(network);
    return [address, address.kind() === "ipv4" ? 32 : 128];
  }
  const [address, bits] = ipaddr.parseCIDR(network);
  const isMapped = address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= 96;
  return isMapped ? [address.toIPv4Address(), bits - 96] : [address, bits];
}

/** The addresses in the forwarding headers, in their order: the address that the nearest proxy wrote comes last. */
function hopsOf(header: (name: string) => string | null): string[] {
  const list = header("X-Forwarded-For");
  if (list !== null) return list.split(",").map((hop) => hop.trim());
  const forwarded = header("Forwarded");
  return forwarded === null ? [] : forwardedHops(forwarded);
}

/** A `name=value` pair (RFC 7239, section 4). Values that should be quoted are accepted without quotes. */
const FORWARDED_PAIR = String.raw`([\w!#$%&'*+.^\x60|~-]+)=(?:([^\s",;]+)|"((?:[^"\\]|\\.)*)")`;
const FORWARDED_PAIRS = new RegExp(FORWARDED_PAIR, "g");

/** An element of `Forwarded`: pairs separated by semicolons, some of which may be missing. */
const FORWARDED_ELEMENT = new RegExp(`^\\s*(?:${FORWARDED_PAIR})?(?:\\s*;(?:\\s*${FORWARDED_PAIR})?)*\\s*$`);

/** The longest element of `Forwarded` that is read, in characters; proxies write shorter ones. */
const MAX_ELEMENT = 500;

/**
 * The values of `for` in `Forwarded`: as many of the last ones as can be parsed. They are parsed from the end, so that an
 * unclosed quote from the client cannot swallow the elements that proxies appended.
 */
function forwardedHops(forwarded: string): string[] {
  const hops: string[] = [];
  let end = forwarded.length;
  let comma = end;
  while (end >= 0) {
    comma = comma === 0 ? -1 : forwarded.lastIndexOf(",", comma - 1);
    const element = forwarded.slice(comma + 1, end);
    if (element.length > MAX_ELEMENT) break;
    if (FORWARDED_ELEMENT.test(element)) {
      // Empty elements of a list are ignored (RFC 9110, section 5.6.1).
      if (element.trim() !== "") hops.unshift(forwardedFor(element));
      end = comma;
    }
    if (comma === -1) break;
  }
  return hops;
}

/** The value of `for` in an element; empty if there is none. */
function forwardedFor(element: string): string {
  for (const [, name, token, quoted = ""] of element.matchAll(FORWARDED_PAIRS)) {
    if (name.toLowerCase() === "for") return token ?? quoted.replace(/\\(.)/g, "$1").trim();
  }
  return "";
}

/** Removes a port, which may be a name (RFC 7239, section 6.2), and the brackets around an IPv6 address. */
function withoutPort(hop: string): string {
  return hop.replace(/^\[([^\]]*)\](:(\d+|_[\w.-]+))?$/, "$1")
    .replace(/^(\d+\.\d+\.\d+\.\d+):(\d+|_[\w.-]+)$/, "$1");
}
