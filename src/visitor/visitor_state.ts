/**
 * The attributes that depend on each other: whether a visitor is online, waits for a call, is in a session, and which
 * agent takes care of it. Who is in a session waits for nobody, who does not wait has no `waiting_since`, and who is
 * offline is nobody's.
 *
 * @module
 */

/** The attributes of a visitor that depend on each other. */
interface State {
  is_in_session: boolean;
  is_online: boolean;
  is_waiting_for_call: boolean;
  /** As ISO 8601; `null` where it does not wait, or where nobody knows since when. */
  waiting_since: string | null;
  claimed_by: string | null;
}

/** What whoever goes offline loses: the lookup code, the wait for a call, and the agent. */
export const GONE_OFFLINE = {
  is_online: false,
  lookup_code: null,
  is_waiting_for_call: false,
  waiting_since: null,
  claimed_by: null,
} as const;

/** What connections, calls, sessions and agents decide of a visitor online, and no import. */
export const LIVE_ATTRIBUTES = [
  "is_online",
  "lookup_code",
  "is_in_session",
  "is_waiting_for_call",
  "waiting_since",
  "claimed_by",
] as const;

/** The attributes that a wait for a call depends on. */
export const CALL_ATTRIBUTES = ["is_in_session", "is_waiting_for_call", "waiting_since"] as const;

/** The attributes that other ones may empty. */
export const DEPENDENT_ATTRIBUTES = ["is_waiting_for_call", "waiting_since", "claimed_by"] as const;

/** Whether a change depends on whether the visitor waits for a call. */
export function changesCall(change: Partial<State>): boolean {
  return CALL_ATTRIBUTES.some((name) => name in change);
}

/** Whether a visitor waits for a call, and since when, as ISO 8601; `null`: nobody knows. */
export interface CallState {
  isWaiting: boolean;
  since: string | null;
}

/** Whether a visitor waits for a call. */
export function callStateOf({ is_waiting_for_call, waiting_since }: State): CallState {
  return { isWaiting: is_waiting_for_call, since: waiting_since };
}

/**
 * A visitor whose attributes agree.
 *
 * @param onEmptied receives each attribute that loses a value by this, and why
 */
export function agreeing<V extends State>(
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
    onEmptied("waiting_since", "a time of a visitor who does not wait");
    emptied.waiting_since = null;
  }
  if (claimed_by !== null && !is_online) {
    onEmptied("claimed_by", "the agent of a visitor who is offline");
    emptied.claimed_by = null;
  }
  return Object.keys(emptied).length === 0 ? visitor : { ...visitor, ...emptied };
}

/** A visitor who is imported while it is connected. */
export function withLive<V extends State>(imported: V, connected: V): V {
  const live = LIVE_ATTRIBUTES.map((name) => [name, connected[name as keyof V]]);
  return agreeing({ ...imported, ...Object.fromEntries(live), is_online: true });
}

/**
 * A visitor after a change, always another object. A wait for a call begins with the change that asks for it, and keeps
 * its beginning when it is asked for again.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { readVisitor } from "./visitor.ts";
 *
 * const ada = readVisitor({ short_id: "a" })!;
 * const waiting = changed(ada, { is_waiting_for_call: true }, "2026-01-02T03:04:05.678Z");
 * assert.equal(waiting.waiting_since, "2026-01-02T03:04:05.678Z");
 * assert.equal(changed(waiting, { is_waiting_for_call: true }).waiting_since, waiting.waiting_since);
 * assert.equal(changed(waiting, { is_in_session: true }).is_waiting_for_call, false);
 * ```
 *
 * @param now when it is changed, as ISO 8601, where the change does not say since when the visitor waits
 */
export function changed<V extends State>(
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
  return agreeing(after);
}
