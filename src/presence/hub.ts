/**
 * The connections of pages: who may connect, and what becomes of what pages say.
 *
 * @module
 */
import { LRUCache } from "lru-cache";
import { createHash, timingSafeEqual } from "node:crypto";
import type { PresenceConfig } from "../config.ts";
import type { ApiContext } from "../http/answer.ts";
import { ApiError } from "../http/errors.ts";
import { clientNetwork } from "../http/client_address.ts";
import { describeFailure, type Log } from "../operations/log.ts";
import type { VisitorChange } from "../store/visitor_store.ts";
import { readDevice } from "./device.ts";
import type { Tokens } from "./identity.ts";
import {
  type Hello,
  MessageError,
  type MessageErrorCode,
  type PageMessage,
  readMessage,
  type ServerMessage,
} from "./messages.ts";
import type { Places } from "./place.ts";
import type { Page, PresentVisitor, Roster } from "./roster.ts";

/** A page says hello within this time, in milliseconds. */
const HELLO_DEADLINE = 10_000;

/** Messages that a page may send in a while, and that while, in milliseconds. */
const MAX_MESSAGES = 20;
const MESSAGES_PERIOD = 10_000;

/** A page that sent so many messages that cannot be used is not listened to any more. */
const MAX_BAD = 5;

const MINUTE = 60_000;

/** Client addresses of which new visitors are counted. */
const MAX_ADDRESSES = 50_000;

/** What WebSockets are closed with (https://www.iana.org/assignments/websocket/). */
const CLOSE = { refused: 1008, tooLong: 1009, failed: 1011, restart: 1012, later: 1013 } as const;

/** Errors after which a page is not listened to any more. */
const FINAL: { [Code in MessageErrorCode]?: number } = {
  invalid_site_key: CLOSE.refused,
  message_too_long: CLOSE.tooLong,
  too_many_visitors: CLOSE.later,
};

/** What the hub works with. */
export interface HubParts {
  config: PresenceConfig;
  roster: Roster;
  tokens: Tokens;
  /** `null` where no file tells places. */
  places: Places | null;
  log: Log;
  /** Told of each message, and of what came of it. */
  onMessage: (type: PageMessage["type"] | "none", outcome: "ok" | MessageErrorCode) => void;
}

/** All connections of this process. */
export class Hub {
  #parts: HubParts;
  #isSiteKey: (given: string) => boolean;
  #connections = new Set<Connection>();
  /** By client address. */
  #counts = new Map<string, number>();
  /** New visitors by client address, each count for a minute. */
  #newVisitors = new LRUCache<string, number>({ max: MAX_ADDRESSES, ttl: MINUTE, noUpdateTTL: true });
  #isStopping = false;

  constructor(parts: HubParts) {
    this.#parts = parts;
    const expected = sha256(parts.config.siteKey);
    this.#isSiteKey = (given) => timingSafeEqual(sha256(given), expected);
  }

  /** How many pages are connected. */
  get size(): number {
    return this.#connections.size;
  }

  /**
   * Takes a page's connection.
   *
   * @throws {ApiError} it may not connect
   */
  connect(context: ApiContext): Response {
    const network = clientNetwork(context.env.client);
    this.#admit(context, network);
    // All of it before the upgrade, after which the runtime has taken the request away.
    const client = {
      address: context.env.client,
      network,
      userAgent: context.req.header("User-Agent") ?? "",
    };
    let upgrade: Deno.WebSocketUpgrade;
    try {
      upgrade = Deno.upgradeWebSocket(context.req.raw);
    } catch {
      throw new ApiError("upgrade_required", "This is no WebSocket handshake.", UPGRADE);
    }
    const { socket, response } = upgrade;
    this.#counts.set(network, (this.#counts.get(network) ?? 0) + 1);
    const connection = new Connection(socket, this, client);
    this.#connections.add(connection);
    return response;
  }

  #admit(context: ApiContext, network: string) {
    const { allowedOrigins, maxConnections, connectionsPerAddress } = this.#parts.config;
    if (context.req.header("Upgrade")?.toLowerCase() !== "websocket") {
      throw new ApiError("upgrade_required", "Only a WebSocket is answered here.", UPGRADE);
    }
    if (allowedOrigins !== "*" && !allowedOrigins.has(context.req.header("Origin") ?? "")) {
      throw new ApiError("origin_not_allowed", "A page of this origin may not connect: see ALLOWED_ORIGINS.");
    }
    if (this.#isStopping) throw new ApiError("stopping", "The server is about to stop.", RETRY_AFTER);
    if (this.size >= maxConnections || this.#parts.roster.isFull) {
      throw new ApiError("too_many_connections", "As many pages are connected as may be.", RETRY_AFTER);
    }
    if (connectionsPerAddress !== null && (this.#counts.get(network) ?? 0) >= connectionsPerAddress) {
      throw new ApiError("too_many_requests", "This address has as many connections as it may.", RETRY_AFTER);
    }
  }

  /** A page said hello. */
  greet(connection: Connection, hello: Hello, client: Client): PresentVisitor {
    const { roster, tokens, config } = this.#parts;
    if (!this.#isSiteKey(hello.site_key)) {
      throw new MessageError("invalid_site_key", "The site key is wrong.");
    }
    const shortId = hello.token === undefined ? null : tokens.read(hello.token);
    if (shortId === null) this.#countNewVisitor(client.network);
    const { browser_name, device_name, device_type } = readDevice(client.userAgent, hello.hints);
    return roster.enter(connection, shortId, {
      api_key: config.siteKey,
      browser_name,
      device_name,
      device_type,
      ip_address: config.storesIp && client.address !== "" ? client.address : null,
      is_supported: hello.is_supported,
      js_configuration: hello.js_configuration,
      last_url: this.#storedUrl(hello.url),
      sdk: hello.sdk,
      ...this.#placeOf(client.address),
    });
  }

  #placeOf(address: string): VisitorChange {
    return this.#parts.places?.placeOf(address) ?? {};
  }

  #countNewVisitor(network: string) {
    const { newVisitors } = this.#parts.config;
    if (newVisitors === null) return;
    const count = (this.#newVisitors.get(network) ?? 0) + 1;
    if (count > newVisitors) {
      throw new MessageError("too_many_visitors", "Too many new visitors come from this address, try later.");
    }
    this.#newVisitors.set(network, count);
  }

  /** A page says something after its hello. */
  hear(connection: Connection, presence: PresentVisitor, message: PageMessage) {
    const { roster } = this.#parts;
    switch (message.type) {
      case "hello":
        throw new MessageError("invalid_message", "Only the first message is a hello.");
      case "update":
        return roster.claim(presence, message.visitor);
      case "page":
        return roster.showPage(presence, this.#storedUrl(message.url));
      case "lookup_code":
        return roster.askForCode(presence, connection);
    }
  }

  /** A page's URL as it is stored: never with a password, and without what may say too much of a person. */
  #storedUrl(given: string): string {
    const url = new URL(given);
    url.username = "";
    url.password = "";
    if (!this.#parts.config.storesQuery) {
      url.search = "";
      url.hash = "";
    }
    return url.href;
  }

  /** Counts a message. */
  count(type: PageMessage["type"] | "none", outcome: "ok" | MessageErrorCode) {
    this.#parts.onMessage(type, outcome);
  }

  /** Something went wrong that nobody foresaw. */
  fail(error: unknown) {
    this.#parts.log("A message from a page failed", "error", describeFailure(error));
  }

  /** A connection is no more. */
  drop(connection: Connection, presence: PresentVisitor | null, network: string) {
    if (!this.#connections.delete(connection)) return;
    const count = this.#counts.get(network)! - 1;
    if (count === 0) this.#counts.delete(network);
    else this.#counts.set(network, count);
    if (presence !== null) this.#parts.roster.leave(connection, presence);
  }

  /** From now on no page may connect, and those that are connected are told to come back within so long. */
  sendAway(within: number) {
    this.#isStopping = true;
    this.#parts.roster.sendAway(within);
  }

  /** Closes all connections. */
  close() {
    for (const connection of this.#connections) connection.close(CLOSE.restart, "restart");
  }
}

/** Who is at the other end. */
interface Client {
  address: string;
  /** What is counted as one client, see {@link clientNetwork}. */
  network: string;
  userAgent: string;
}

/** One page's connection. */
class Connection implements Page {
  #socket: WebSocket;
  #hub: Hub;
  #client: Client;
  #presence: PresentVisitor | null = null;
  #bad = 0;
  #messages = 0;
  #periodEnds = 0;
  #helloTimer: ReturnType<typeof setTimeout>;

  constructor(socket: WebSocket, hub: Hub, client: Client) {
    this.#socket = socket;
    this.#hub = hub;
    this.#client = client;
    this.#helloTimer = setTimeout(() => this.#refuse(NO_HELLO, CLOSE.refused), HELLO_DEADLINE);
    socket.onmessage = ({ data }) => this.#hear(data);
    socket.onclose = () => this.#drop();
    socket.onerror = () => this.#drop();
  }

  tell(message: ServerMessage) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  close(code: number, reason: string) {
    clearTimeout(this.#helloTimer);
    try {
      this.#socket.close(code, reason);
    } catch {
      // It is not open yet: nobody is there to be told.
      this.#drop();
    }
  }

  #drop() {
    clearTimeout(this.#helloTimer);
    this.#hub.drop(this, this.#presence, this.#client.network);
  }

  #hear(data: unknown) {
    // What came after a refusal.
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    let type: PageMessage["type"] | "none" = "none";
    try {
      this.#countMessage();
      const message = readMessage(data);
      ({ type } = message);
      if (this.#presence !== null) this.#hub.hear(this, this.#presence, message);
      else if (message.type === "hello") {
        this.#presence = this.#hub.greet(this, message, this.#client);
        clearTimeout(this.#helloTimer);
      } else throw NO_HELLO;
      this.#hub.count(type, "ok");
    } catch (error) {
      if (!(error instanceof MessageError)) {
        this.#hub.fail(error);
        return this.close(CLOSE.failed, "failed");
      }
      this.#hub.count(type, error.code);
      this.#bad++;
      this.#refuse(error, FINAL[error.code] ?? (this.#bad >= MAX_BAD ? CLOSE.refused : null));
    }
  }

  #countMessage() {
    const now = performance.now();
    if (now >= this.#periodEnds) {
      this.#periodEnds = now + MESSAGES_PERIOD;
      this.#messages = 0;
    }
    if (++this.#messages > MAX_MESSAGES) {
      throw new MessageError("too_many_messages", "These are too many messages: this one is not heard.");
    }
  }

  /** @param code what the connection is closed with; `null`: it goes on */
  #refuse({ code: error, message }: MessageError, code: number | null) {
    this.tell({ type: "error", error, message });
    if (code !== null) this.close(code, error);
  }
}

const NO_HELLO = new MessageError("hello_expected", "The first message must be a hello.");

const UPGRADE = { Upgrade: "websocket" };
const RETRY_AFTER = { "Retry-After": "10" };

function sha256(value: string) {
  return createHash("sha256").update(value).digest();
}
