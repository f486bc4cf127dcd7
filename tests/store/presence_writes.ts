/**
 * What processes write of the visitors who are connected to them, and whether those are online then.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { PresenceWrite, VisitorStore } from "../../src/store/visitor_store.ts";
import type { VisitorChange } from "../../src/visitor/visitor.ts";
import { findAll, getVisitor } from "./contract.ts";

/** When visitors were seen. */
export const SEEN = "2026-01-02T12:00:00.000Z";

/** What the page of a visitor says of her. */
export const ADA: VisitorChange = {
  added_at: SEEN,
  last_seen_at: SEEN,
  last_url: "https://shop.example.com/pricing",
  name: "Ada Lovelace",
  email: "ada@acme.com",
  identities: ["Ada Lovelace", "ada@acme.com"],
  integration_ids: ["crm:1"],
  ip_address: "192.0.2.7",
  lookup_code: "4711",
  metadata: { plan: "pro" },
  tags: ["#VIP"],
  unique_id: "user-1",
};

/** A visitor who has just come. */
export function arrival(shortId: string, change: VisitorChange = ADA): PresenceWrite {
  return { shortId, isNew: true, change, isConnected: true };
}

/** A visitor who is connected to the process. */
export function connect(shortId: string, change: VisitorChange = {}): PresenceWrite {
  return { shortId, isNew: false, change, isConnected: true };
}

/** A visitor who has left the process. */
export function leave(shortId: string, change: VisitorChange = {}): PresenceWrite {
  return { shortId, isNew: false, change, isConnected: false };
}

/** What a page says of a visitor, whether or not it is connected. */
export function update(shortId: string, change: VisitorChange, isNew = false): PresenceWrite {
  return { shortId, isNew, change };
}

/** Writes by a process; returns of each whether its visitor exists. */
export async function writeAll(
  store: VisitorStore,
  process: string,
  writes: PresenceWrite[],
): Promise<boolean[]> {
  return (await store.writePresence(process, writes)).map(({ exists }) => exists);
}

/** Writes of one visitor by a process; fails where it is not there. */
export async function write(store: VisitorStore, process: string, ...writes: PresenceWrite[]) {
  for (const one of writes) assert.deepEqual(await writeAll(store, process, [one]), [true]);
}

/** Whether the visitor is online; fails where lists and the visitor disagree. */
export async function isOnline(store: VisitorStore, shortId: string): Promise<boolean> {
  const { is_online } = (await getVisitor(store, shortId))!;
  assert.equal((await findAll(store, "online")).includes(shortId), is_online);
  assert.equal((await findAll(store, "-online")).includes(shortId), !is_online);
  return is_online;
}
