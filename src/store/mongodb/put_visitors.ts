/**
 * Stores whole visitors, as an import does, while other writers may change them.
 *
 * @module
 */
import type { Deadline } from "../../async/deadline.ts";
import { ATTRIBUTE_NAMES, type Visitor } from "../../visitor/visitor.ts";
import { LIVE_ATTRIBUTES, withLive } from "../../visitor/visitor_state.ts";
import { importedClaimEnd } from "../agent_claim.ts";
import type { Refusal } from "../visitor_store.ts";
import type { VisitorCollection } from "./collection.ts";
import {
  CLAIM_END,
  documentOf,
  type StoredDocument,
  unchangedFilter,
  updateOf,
  visitorOf,
} from "./document.ts";
import { DUPLICATE_KEY } from "./driver.ts";
import { CONNECTIONS, isOurs } from "./presence.ts";

/** How often storing a visitor is tried while others insert, connect or disconnect that visitor. */
const MAX_TRIES = 10;

/**
 * The fields that an import sets in an existing document: the search fields, and all attributes except `short_id`, by
 * which the document is found, and `claimed_by`.
 */
const WRITTEN = [
  ...ATTRIBUTE_NAMES.filter((name) => name !== "short_id" && name !== "claimed_by"),
  "foyer",
];

const WITH_CONNECTIONS = {
  _id: 1,
  short_id: 1,
  [CONNECTIONS]: 1,
  ...Object.fromEntries(LIVE_ATTRIBUTES.map((name) => [name, 1])),
} as const;

/** A visitor that was not stored, and the database's error code; `null`: another writer changed the visitor meanwhile. */
interface Failure {
  visitor: Visitor;
  code: number | null;
}

/** As `VisitorWrites.putVisitors`. */
export async function putVisitors(
  collection: VisitorCollection,
  visitors: Visitor[],
  deadline: Deadline,
): Promise<Refusal[]> {
  let failures = await put(collection, visitors, deadline);
  const mayPass = ({ code }: Failure) => code === null || code === DUPLICATE_KEY;
  for (let tries = 1; tries < MAX_TRIES && failures.some(mayPass); tries++) {
    const again = failures.filter(mayPass).map(({ visitor }) => visitor);
    const still = await put(collection, again, deadline);
    failures = [...failures.filter((failure) => !mayPass(failure)), ...still];
  }
  return failures.map(({ visitor, code }) => ({ shortId: visitor.short_id, reason: reasonOf(code) }));
}

function reasonOf(code: number | null): string {
  if (code === null) return "other writers changed it at each try";
  return code === DUPLICATE_KEY ? "another document has this _id" : `MongoDB refused it (code ${code})`;
}

async function put(
  collection: VisitorCollection,
  visitors: Visitor[],
  deadline: Deadline,
): Promise<Failure[]> {
  const connected = await readConnected(collection, visitors, deadline);
  const isConnected = ({ short_id }: Visitor) => connected.has(short_id);
  const others = visitors.filter((visitor) => !isConnected(visitor));
  const { errors } = await collection.write(others.map(upsertOf), deadline);
  const failures: Failure[] = errors.map(({ index, code }) => ({ visitor: others[index], code }));
  const online = visitors.filter(isConnected);
  if (online.length === 0) return failures;
  const updates = online.map((visitor) => updateOfConnected(visitor, connected.get(visitor.short_id)!));
  const written = await collection.write(updates, deadline);
  const codes = new Map(written.errors.map(({ index, code }) => [index, code]));
  // The database does not say which of the updates matched, so all of them are sent again.
  const mayHaveMissed = written.matched < online.length - codes.size;
  online.forEach((visitor, index) => {
    const code = codes.get(index) ?? null;
    if (code !== null || mayHaveMissed) failures.push({ visitor, code });
  });
  return failures;
}

/** The documents of those visitors that are connected to a process, by short id. */
async function readConnected(
  collection: VisitorCollection,
  visitors: Visitor[],
  deadline: Deadline,
): Promise<Map<string, StoredDocument>> {
  const condition = {
    short_id: { $in: visitors.map(({ short_id }) => short_id) },
    [CONNECTIONS]: { $exists: true },
  };
  const documents = await collection.readForWrite(condition, WITH_CONNECTIONS, deadline);
  return new Map(documents.filter(isOurs).map((document) => [document.short_id as string, document]));
}

function updateOfConnected(visitor: Visitor, document: StoredDocument) {
  return {
    updateOne: {
      filter: unchangedFilter(document, [CONNECTIONS, ...LIVE_ATTRIBUTES]),
      update: updateOf(documentOf(withLive(visitor, visitorOf(document)!)), WRITTEN),
    },
  };
}

/**
 * The upsert that stores a visitor that is not connected. A new document's `_id` is the short id, so that two imports
 * cannot both insert it: Foyer makes no unique index, since the collection may be another program's. If the visitor has
 * connected meanwhile, the insert fails with a duplicate `_id` too.
 */
function upsertOf(visitor: Visitor) {
  const { short_id, claimed_by } = visitor;
  const claim = claimed_by === null ? {} : { claimed_by, [CLAIM_END]: importedClaimEnd(visitor) };
  return {
    updateOne: {
      filter: { short_id, [CONNECTIONS]: { $exists: false } },
      update: { ...updateOf(documentOf(visitor), WRITTEN), $setOnInsert: { _id: short_id, ...claim } },
      upsert: true,
    },
  };
}
