/**
 * The attributes that depend on each other: whether a visitor is online, waits for a call or is in a session, and which
 * agent has claimed it. A visitor in a session does not wait for a call, one that does not wait has no `waiting_since`,
 * and one that is offline has no `claimed_by`.
 *
 * @module
 */

/** The attributes of a visitor that depend on each other. */
interface State {
  is_in_session: boolean;
  is_online: boolean;
  is_waiting_for_call: boolean;
  /** In ISO 8601; `null` if the visitor does not wait, or if it is unknown since when. */
  waiting_since: string | null;
  claimed_by: string | null;
}

/** The change of a visitor that goes offline: it loses its lookup code, its wait for a call and its claim. */
export const GONE_OFFLINE = {
  is_online: false,
  lookup_code: null,
  is_waiting_for_call: false,
  waiting_since: null,
  claimed_by: null,
} as const;

/** The attributes that an import does not change while the visitor is connected: connections, calls and agents set them. */
export const LIVE_ATTRIBUTES = [
  "is_online",
  "lookup_code",
  "is_in_session",
  "is_waiting_for_call",
  "waiting_since",
  "claimed_by",
] as const;

/** The attributes that decide whether a visitor waits for a call. */
export const CALL_ATTRIBUTES = ["is_in_session", "is_waiting_for_call", "waiting_since"] as const;

/** The attributes that may be emptied because of the value of another attribute. */
export const DEPENDENT_ATTRIBUTES = ["is_waiting_for_call", "waiting_since", "claimed_by"] as const;

/** Whether a change sets one of {@link CALL_ATTRIBUTES}, so that its result depends on the others. */
export function changesCall(change: Partial<State>): boolean {
  return CALL_ATTRIBUTES.some((name) => name in change);
}

/** Whether a visitor waits for a call, and since when, in ISO 8601; `since` is `null` if that is unknown. */
export interface CallState {
  isWaiting: boolean;
  since: string | null;
}

/** The call state of a visitor. */
export function callStateOf({ is_waiting_for_call, waiting_since }: State): CallState {
  return { isWaiting: is_waiting_for_call, since: waiting_since };
}

/**
 * Makes the attributes of a visitor consistent; returns the same object if they are.
 *
 * @param onEmptied called for each attribute that is emptied, with the reason
 */
export function makeConsistent<V extends State>(
  visitor: V,
  onEmptied: (name: (typeof DEPENDENT_ATTRIBUTES)[number], reason: string) => void = () => {},
): V {
  const { is_in_session, is_online, waiting_since, claimed_by } = visitor;
  let { is_waiting_for_call } = visitor;
  const emptied: Partial<State> = {};
  if (is_waiting_for_call && is_in_session) {
    onEmptied("is_waiting_for_call", "true beside is_in_session, which ends the wait");
    is_waiting_for_call = emptied.is_waiting_for_call = false;
  }
  if (waiting_since !== null && !is_waiting_for_call) {
    onEmptied("waiting_since", "a time, though the visitor does not wait");
    emptied.waiting_since = null;
  }
  if (claimed_by !== null && !is_online) {
    onEmptied("claimed_by", "an agent, though the visitor is offline");
    emptied.claimed_by = null;
  }
  return Object.keys(emptied).length === 0 ? visitor : { ...visitor, ...emptied };
}

/** An imported visitor that is connected: the result has the connected one's {@link LIVE_ATTRIBUTES}, and is online. */
export function withLive<V extends State>(imported: V, connected: V): V {
  const live = LIVE_ATTRIBUTES.map((name) => [name, connected[name as keyof V]]);
  return makeConsistent({ ...imported, ...Object.fromEntries(live), is_online: true });
}

/**
 * Applies a change to a visitor; returns a new object. The change that sets `is_waiting_for_call` also sets
 * `waiting_since`; setting it again keeps the time.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { readVisitor } from "./visitor.ts";
 *
 * const ada = readVisitor({ short_id: "a" })!;
 * const waiting = applyChange(ada, { is_waiting_for_call: true }, "2026-01-02T03:04:05.678Z");
 * assert.equal(waiting.waiting_since, "2026-01-02T03:04:05.678Z");
 * assert.equal(applyChange(waiting, { is_waiting_for_call: true }).waiting_since, waiting.waiting_since);
 * assert.equal(applyChange(waiting, { is_in_session: true }).is_waiting_for_call, false);
 * ```
 *
 * @param now the time of the change, in ISO 8601, for a change that does not contain `waiting_since`
 */
export function applyChange<V extends State>(
  visitor: V,
  change: Partial<NoInfer<V>>,
  now = new Date().toISOString(),
): V {
  const after = { ...visitor, ...change };
  if (change.is_waiting_for_call) {
    after.waiting_since = visitor.is_waiting_for_call && visitor.waiting_since !== null
      ? visitor.waiting_since
      : change.waiting_since ?? now;
  }
  return makeConsistent(after);
}
