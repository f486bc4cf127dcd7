/**
 * What processes write of the visitors who are connected to them, and whether those are online then.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { PresenceWrite, VisitorStore } from "../../src/store/visitor_store.ts";
import type { VisitorChange } from "../../src/visitor/visitor.ts";
import { findAll, getVisitor } from "./contract.ts";

/** When the visitors were last seen. */
export const SEEN = "2026-01-02T12:00:00.000Z";

/** The claims of a visitor's web page. */
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

/** The write of a visitor that has just connected. */
export function arrival(shortId: string, change: VisitorChange = ADA): PresenceWrite {
  return { shortId, isNew: true, change, isConnected: true };
}

/** The write of a known visitor that connects to the process. */
export function connect(shortId: string, change: VisitorChange = {}): PresenceWrite {
  return { shortId, isNew: false, change, isConnected: true };
}

/** The write of a visitor that has disconnected from the process. */
export function leave(shortId: string, change: VisitorChange = {}): PresenceWrite {
  return { shortId, isNew: false, change, isConnected: false };
}

/** The write of a page's claims, without a change of its connection. */
export function update(shortId: string, change: VisitorChange, isNew = false): PresenceWrite {
  return { shortId, isNew, change };
}

/** Does a process's writes; returns for each whether its visitor exists. */
export async function writeAll(
  store: VisitorStore,
  process: string,
  writes: PresenceWrite[],
): Promise<boolean[]> {
  return (await store.writePresence(process, writes)).map(({ exists }) => exists);
}

/** Does a process's writes of one visitor; fails if the visitor does not exist. */
export async function write(store: VisitorStore, process: string, ...writes: PresenceWrite[]) {
  for (const one of writes) assert.deepEqual(await writeAll(store, process, [one]), [true]);
}

/** Whether the visitor is online; fails if the lists and the visitor itself disagree. */
export async function isOnline(store: VisitorStore, shortId: string): Promise<boolean> {
  const { is_online } = (await getVisitor(store, shortId))!;
  assert.equal((await findAll(store, "online")).includes(shortId), is_online);
  assert.equal((await findAll(store, "-online")).includes(shortId), !is_online);
  return is_online;
}
