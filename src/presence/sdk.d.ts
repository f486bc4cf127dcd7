/**
 * The types of Foyer's web SDK, of the module and of the script's global `Foyer`.
 *
 * @module
 */

/** What the page says of its visitor. `null` clears, and what is absent stays as it is. */
export interface FoyerClaims {
  /** What identifies the visitor: names, e-mail addresses, companies. At most 20 of 256 characters. */
  identities?: readonly string[] | null;
  /** The site's own id for the person. */
  uniqueId?: string | null;
  /** Such as `#customer`: letters, digits and hyphens, 50 at most. */
  tags?: readonly string[] | null;
  /** Such as `acmechat:1234`, 50 at most. They add up; `acmechat:` clears those of its system. */
  integrationIds?: readonly string[] | null;
  /** Identifies a call, for the agent's personal link. */
  callName?: string | null;
  name?: string | null;
  email?: string | null;
  /** At most 50 of them, texts of at most 1000 characters. */
  metadata?: Readonly<Record<string, string | number | boolean>> | null;
}

/** What `init` takes. */
export interface FoyerOptions extends FoyerClaims {
  /** The server's `SITE_KEY`, which is public. */
  apiKey: string;
  /** An element whose text becomes the lookup code, or a selector of one, which may be drawn later, or anew. */
  lookupCodeElement?: string | { readonly nodeType: number; textContent: string | null } | null;
}

/** What happens, and what a listener is given. */
export interface FoyerEvents {
  connected: (visitor: { shortId: string; lookupCode: string | null }) => void;
  disconnected: () => void;
  /** There is another lookup code, or none any more. */
  lookupCode: (lookupCode: string | null) => void;
  /** The visitor waits for a call since a time (ISO 8601, `null` where it is not known), or no longer. */
  call: (call: { isWaiting: boolean; since: string | null }) => void;
}

/** A command, and what it needs. None of them throws. */
export interface FoyerFunction {
  /** Connects. Called again, it adds to what was claimed. */
  (command: "init", options: FoyerOptions): void;
  /** Changes what the page says of its visitor. */
  (command: "updateConnection", claims: FoyerClaims): void;
  /** Calls back once, as soon as the short id is known. */
  (command: "getShortId", callback: (shortId: string) => void): void;
  /** Calls back once, as soon as there is a lookup code. The server is asked for one where there is none. */
  (command: "getLookupCode", callback: (lookupCode: string) => void): void;
  /** Asks for a call: the visitor waits until it is cancelled, answered, or the last page is closed. */
  (command: "requestCall"): void;
  /** Asks for no call any more. */
  (command: "cancelCall"): void;
  <Event extends keyof FoyerEvents>(command: "on" | "off", event: Event, listener: FoyerEvents[Event]): void;
  /** Forgets the visitor and what was claimed, as after a sign-out: from now on it is another one. */
  (command: "reset"): void;
  /** Stays away until the next `init`. */
  (command: "disconnect"): void;
  /** The SDK's version; absent while it is not loaded. */
  version?: string;
  /** Calls made before the SDK is loaded. */
  q?: unknown;
}

declare const Foyer: FoyerFunction;
export default Foyer;

declare global {
  // Declared as `var`, since a constant would not be a property of `window`.
  var Foyer: FoyerFunction;
}
