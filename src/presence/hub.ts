/**
 * The connections of web pages: decides who may connect, and passes each message to the presence registry.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { type Clock, SYSTEM_CLOCK } from "../async/clock.ts";
import { FixedWindows } from "../async/fixed_windows.ts";
import type { PresenceConfig } from "../config.ts";
import type { ApiContext } from "../http/answer.ts";
import { clientNetwork } from "../http/client_address.ts";
import { ApiError } from "../http/errors.ts";
import { describeFailure, type Log } from "../operations/log.ts";
import type { Metrics } from "../operations/metrics.ts";
import type { VisitorChange } from "../visitor/visitor.ts";
import {
  CLOSE_CODES,
  Connection,
  type ConnectionListener,
  type CountedType,
  type LaterMessage,
} from "./connection.ts";
import { readDevice } from "./device.ts";
import type { Tokens } from "./identity.ts";
import { type Hello, MessageError, type MessageErrorCode } from "./messages.ts";
import { isPageOf, originOfPage } from "./page_origin.ts";
import type { Places } from "./place.ts";
import type { PresentVisitor, Roster } from "./roster.ts";

const MINUTE = 60_000;

/** The hub's dependencies. */
export interface HubParts {
  config: PresenceConfig;
  roster: Roster;
  tokens: Tokens;
  /** `null` where `GEOIP_DB` is not set. */
  places: Places | null;
  metrics: Pick<Metrics, "countMessage">;
  log: Log;
  clock?: Clock;
}

/** The client of a connection, and its visitor once it has said hello. */
interface Client {
  address: string;
  /** The network that connections are counted by, see {@link clientNetwork}; `null` if the runtime knows no address. */
  network: string | null;
  userAgent: string;
  /** The origin of its web page; `null` if it sent none that can be compared. */
  origin: string | null;
  visitor: PresentVisitor | null;
}

/** All connections of this process. */
export class Hub implements ConnectionListener {
  #parts: HubParts;
  #clock: Clock;
  #isSiteKey: (given: string) => boolean;
  #clients = new Map<Connection, Client>();
  /** How many connections each client network has. */
  #counts = new Map<string, number>();
  /** Counts the new visitors of each client network. */
  #newVisitors: FixedWindows;
  #isStopping = false;

  constructor(parts: HubParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? SYSTEM_CLOCK;
    this.#newVisitors = new FixedWindows(MINUTE, this.#clock);
    const expected = sha256(parts.config.siteKey);
    this.#isSiteKey = (given) => timingSafeEqual(sha256(given), expected);
  }

  /** How many web pages are connected. */
  get size(): number {
    return this.#clients.size;
  }

  /**
   * Takes a web page's connection.
   *
   * @throws {ApiError} the web page may not connect
   */
  connect(context: ApiContext): Response {
    const { client: address } = context.env;
    const network = isKnown(address) ? clientNetwork(address) : null;
    this.#admit(context, network);
    // The request's headers cannot be read after the upgrade.
    const userAgent = context.req.header("User-Agent") ?? "";
    const origin = originOf(context.req.header("Origin"));
    const socket = context.env.upgrade?.() ?? null;
    if (socket === null) {
      throw new ApiError("upgrade_required", "This is not a WebSocket handshake.", UPGRADE);
    }
    if (network !== null) this.#counts.set(network, (this.#counts.get(network) ?? 0) + 1);
    const connection = new Connection(socket, this, this.#clock);
    this.#clients.set(connection, { address, network, userAgent, origin, visitor: null });
    return switchingProtocols();
  }

  #admit(context: ApiContext, network: string | null) {
    const { allowedOrigins, maxConnections, connectionsPerAddress } = this.#parts.config;
    if (context.req.header("Upgrade")?.toLowerCase() !== "websocket") {
      throw new ApiError("upgrade_required", "This URL answers WebSockets only.", UPGRADE);
    }
    if (allowedOrigins !== "*" && !allowedOrigins.has(context.req.header("Origin") ?? "")) {
      throw new ApiError(
        "origin_not_allowed",
        "A web page of this origin may not connect: see ALLOWED_ORIGINS.",
      );
    }
    if (this.#isStopping) throw new ApiError("stopping", "The server is about to stop.", RETRY_AFTER);
    if (this.size >= maxConnections || this.#parts.roster.isFull) {
      throw new ApiError(
        "too_many_connections",
        "As many web pages are connected as MAX_CONNECTIONS allows.",
        RETRY_AFTER,
      );
    }
    const ofNetwork = network === null ? 0 : this.#counts.get(network) ?? 0;
    if (connectionsPerAddress !== null && ofNetwork >= connectionsPerAddress) {
      throw new ApiError(
        "too_many_requests",
        "This address has as many connections as CONNECTIONS_PER_ADDRESS allows.",
        RETRY_AFTER,
      );
    }
  }

  onHello(connection: Connection, hello: Hello) {
    const { roster, tokens, config } = this.#parts;
    const client = this.#clients.get(connection)!;
    if (!this.#isSiteKey(hello.site_key)) {
      throw new MessageError("invalid_site_key", "The site key is wrong.");
    }
    const last_url = this.#storedUrl(hello.url, client);
    const shortId = hello.token === undefined ? null : tokens.read(hello.token);
    if (shortId === null) this.#countNewVisitor(client.network);
    const { browser_name, device_name, device_type } = readDevice(client.userAgent, hello.hints);
    client.visitor = roster.enter(connection, shortId, {
      api_key: config.siteKey,
      browser_name,
      device_name,
      device_type,
      ip_address: config.storesIp && client.network !== null ? client.address : null,
      is_supported: hello.is_supported,
      js_configuration: hello.js_configuration,
      last_url,
      sdk: hello.sdk,
      ...this.#placeOf(client.address),
    });
  }

  #placeOf(address: string): VisitorChange {
    return this.#parts.places?.placeOf(address) ?? {};
  }

  #countNewVisitor(network: string | null) {
    const { newVisitors } = this.#parts.config;
    if (newVisitors === null || network === null) return;
    if (this.#newVisitors.count(network) >= newVisitors) {
      throw new MessageError("too_many_visitors", "Too many new visitors come from this address, try later.");
    }
    this.#newVisitors.add(network);
  }

  /** Counts like any new visitor, so that the token of a removed visitor is no way around the limit. */
  onNewVisitor(connection: Connection) {
    const client = this.#clients.get(connection);
    if (client !== undefined) this.#countNewVisitor(client.network);
  }

  onMessage(connection: Connection, message: LaterMessage) {
    const { roster } = this.#parts;
    const client = this.#clients.get(connection)!;
    const visitor = client.visitor!;
    switch (message.type) {
      case "update":
        return roster.claim(visitor, message.visitor);
      case "page":
        return roster.showPage(visitor, this.#storedUrl(message.url, client));
      case "call":
        return roster.askForCall(visitor, message.is_waiting);
      case "lookup_code":
        return roster.sendCode(visitor, connection);
    }
  }

  /**
   * A web page's URL as it is stored: without a password, and without query and fragment unless `STORE_QUERY` is set.
   *
   * @throws {MessageError} the URL's origin differs from the web page's, which no browser would report
   */
  #storedUrl(given: string, { origin }: Client): string {
    const url = new URL(given);
    if (!isPageOf(url, origin)) {
      throw new MessageError("invalid_message", "The message cannot be used: its url is of another origin.");
    }
    url.username = "";
    url.password = "";
    if (!this.#parts.config.storesQuery) {
      url.search = "";
      url.hash = "";
    }
    return url.href;
  }

  onHandled(type: CountedType, outcome: "ok" | MessageErrorCode) {
    this.#parts.metrics.countMessage(type, outcome);
  }

  onFailure(error: unknown) {
    this.#parts.log("A message from a web page failed", "error", describeFailure(error));
  }

  onClosed(connection: Connection) {
    const { network, visitor } = this.#clients.get(connection)!;
    this.#clients.delete(connection);
    if (network !== null) {
      const count = this.#counts.get(network)! - 1;
      if (count === 0) this.#counts.delete(network);
      else this.#counts.set(network, count);
    }
    if (visitor !== null) this.#parts.roster.leave(connection, visitor);
  }

  /** Refuses further connections, and asks connected web pages to reconnect within `within` milliseconds. */
  sendAway(within: number) {
    this.#isStopping = true;
    this.#parts.roster.sendAway(within);
  }

  /** Closes all connections. */
  close() {
    for (const connection of this.#clients.keys()) connection.close(CLOSE_CODES.restart, "restart");
  }
}

/** Normalises the `Origin` header; `null` if absent (not a browser) or opaque (a sandboxed web page). */
function originOf(header: string | undefined): string | null {
  const url = URL.parse(header ?? "");
  return url === null ? null : originOfPage(url);
}

/** Whether an address is a client's; the runtime gives a placeholder for a connection that has ended meanwhile. */
function isKnown(address: string): boolean {
  return address !== "" && address !== "0.0.0.0" && address !== "::";
}

/**
 * The response of an upgraded request, for the request log and the metrics. It is never sent, and the constructor of
 * `Response` refuses status 101.
 */
function switchingProtocols(): Response {
  return Object.defineProperty(new Response(null), "status", { value: 101 });
}

const UPGRADE = { Upgrade: "websocket" };
const RETRY_AFTER = { "Retry-After": "10" };

function sha256(value: string) {
  return createHash("sha256").update(value).digest();
}
