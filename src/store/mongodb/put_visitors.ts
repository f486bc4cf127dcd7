/**
 * Storing visitors whole, as an import does, whoever else writes them meanwhile.
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

/** How often a visitor is tried that others insert, connect or disconnect at the same time. */
const MAX_TRIES = 10;

/**
 * What an import writes: every attribute but the one by which the document is found and the agent's claim, and the search
 * fields.
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

/** A visitor that was not stored, and the code of the database's error; `null`: it changed meanwhile. */
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
  if (code === null) return "others change it all the time";
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
  // The database does not say which of the updates matched; all of them may be sent again.
  const mayHaveMissed = written.matched < online.length - codes.size;
  online.forEach((visitor, index) => {
    const code = codes.get(index) ?? null;
    if (code !== null || mayHaveMissed) failures.push({ visitor, code });
  });
  return failures;
}

/** The documents of those who are connected to a process, by short id. */
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
 * The operation that stores a visitor by its short id. The `_id` of a new document is the short id, so that two imports
 * at the same time cannot both insert it, with no unique index on a collection that is not ours. It fails likewise where
 * the visitor has connected meanwhile.
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
