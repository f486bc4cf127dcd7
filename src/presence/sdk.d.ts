/**
 * The types of Foyer's web SDK: of the module, and of the script's global `Foyer`.
 *
 * @module
 */

/** What the web page claims about its visitor. `null` clears a claim, an absent one stays as it is. */
export interface FoyerClaims {
  /** What identifies the visitor: names, e-mail addresses, companies. At most 20, of at most 256 characters each. */
  identities?: readonly string[] | null;
  /** The site's own id for the person. */
  uniqueId?: string | null;
  /** Tags such as `#customer`: letters, digits and hyphens. At most 50. */
  tags?: readonly string[] | null;
  /** Ids such as `acmechat:1234`, at most 50; added to earlier ones. `acmechat:` clears the ids of its system. */
  integrationIds?: readonly string[] | null;
  /** Identifies a call, for the agent's personal link. */
  callName?: string | null;
  name?: string | null;
  email?: string | null;
  /** At most 50 entries, with strings of at most 1000 characters. */
  metadata?: Readonly<Record<string, string | number | boolean>> | null;
}

/** The options of `init`. */
export interface FoyerOptions extends FoyerClaims {
  /** The server's `SITE_KEY`, which is public. */
  apiKey: string;
  /** An element that shows the lookup code, or a selector; a selected element may be added or replaced later. */
  lookupCodeElement?: string | { readonly nodeType: number; textContent: string | null } | null;
}

/** The events, each with the signature of its listeners. */
export interface FoyerEvents {
  connected: (visitor: { shortId: string; lookupCode: string | null }) => void;
  disconnected: () => void;
  /** The lookup code changed; `null` while there is none. */
  lookupCode: (lookupCode: string | null) => void;
  /** The visitor began or stopped waiting for a call. `since` is ISO 8601, `null` if unknown. */
  call: (call: { isWaiting: boolean; since: string | null }) => void;
}

/** The commands, each with its arguments. None of them throws. */
export interface FoyerFunction {
  /** Connects. Further calls add to the claims. */
  (command: "init", options: FoyerOptions): void;
  /** Changes what the web page claims about its visitor. */
  (command: "updateConnection", claims: FoyerClaims): void;
  /** Calls back once, as soon as the short id is known. */
  (command: "getShortId", callback: (shortId: string) => void): void;
  /** Calls back once, as soon as there is a lookup code; asks the server for one if necessary. */
  (command: "getLookupCode", callback: (lookupCode: string) => void): void;
  /** Asks for a call: the visitor waits until the call is cancelled or answered, or its last web page is closed. */
  (command: "requestCall"): void;
  /** Withdraws the request for a call. */
  (command: "cancelCall"): void;
  <Event extends keyof FoyerEvents>(command: "on" | "off", event: Event, listener: FoyerEvents[Event]): void;
  /** Forgets the visitor and the claims, for example after a sign-out, and continues as a new visitor. */
  (command: "reset"): void;
  /** Disconnects until the next `init`. */
  (command: "disconnect"): void;
  /** The SDK's version; absent while it is not loaded. */
  version?: string;
  /** Calls made before the SDK is loaded. */
  q?: unknown;
}

declare const Foyer: FoyerFunction;
export default Foyer;

declare global {
  // `var`, since only that declares a property of `window`.
  var Foyer: FoyerFunction;
}
