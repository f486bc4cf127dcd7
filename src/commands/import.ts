/**
 * `foyer import FILE`: visitors from NDJSON or a JSON array into the store.
 *
 * @module
 */
import type { Config } from "../config.ts";
import { openConfiguredLog } from "../operations/log.ts";
import { openStore } from "../store/open.ts";
import {
  type Refusal,
  StoreUnavailable,
  type VisitorStore,
  type VisitorWrites,
} from "../store/visitor_store.ts";
import { ATTRIBUTES, readVisitor, type Visitor } from "../visitor/visitor.ts";
import { count, Progress } from "./progress.ts";
import { type ImportRecord, readRecords } from "./records.ts";

/** Visitors in one write: enough to be fast, few enough to need little memory. */
const BATCH = 1000;

/** The result of an import. */
interface Tally {
  stored: number;
  bad: number;
  droppedFields: number;
}

/** Visitors by their short ids, with the line of each. */
type Batch = Map<string, { visitor: Visitor; line: number }>;

/**
 * Imports a file, or standard input for `-`.
 *
 * @returns the exit code: 0, or 1 where a line was bad or the import could not be finished
 */
export async function importFile(config: Config, file: string): Promise<number> {
  let input: AsyncIterable<Uint8Array>;
  try {
    input = file === "-" ? Deno.stdin.readable : (await Deno.open(file)).readable;
  } catch (error) {
    console.error(`Cannot read ${JSON.stringify(file)}: ${(error as Error).name}`);
    return 1;
  }
  const store = await openStore(config.store, "command", openConfiguredLog(config));
  const progress = new Progress();
  try {
    const tally = await importVisitors(input, store, {
      onBad: (line, reason) => progress.report(`line ${line}: ${reason}`),
      onStored: (stored) => progress.show(stored, "visitor"),
    });
    while (await store.maintainIndexes?.());
    progress.report(
      `Stored ${count(tally.stored, "visitor")}, ${count(tally.bad, "bad line")}, ` +
        `${count(tally.droppedFields, "field")} dropped that are no attribute`,
    );
    return tally.bad === 0 ? 0 : 1;
  } catch (error) {
    if (error instanceof StoreUnavailable) progress.report(error.message);
    else progress.report(`Cannot read ${JSON.stringify(file)} to its end: ${(error as Error).name}`);
    progress.report("The import stopped; run it again to finish it, the visitors stored so far stay stored");
    return 1;
  } finally {
    await store.close();
  }
}

/**
 * Stores every visitor that can be read and that the database takes. Of two records with the same short id the later
 * one stays.
 *
 * @param onBad receives the line of each record that is not stored, and why
 * @param onStored receives how many visitors are stored so far
 *
 * @throws {StoreUnavailable} the database does not answer; what was stored stays
 */
export async function importVisitors(
  input: AsyncIterable<Uint8Array>,
  store: VisitorStore,
  { onBad, onStored }: { onBad: (line: number, reason: string) => void; onStored: (stored: number) => void },
): Promise<Tally> {
  const tally: Tally = { stored: 0, bad: 0, droppedFields: 0 };
  let batch: Batch = new Map();

  const reject = (line: number, reason: string) => {
    tally.bad++;
    onBad(line, reason);
  };
  let storing = Promise.resolve();
  /** Stores the batch while the next one is read; of two with the same visitor the later one is stored later. */
  const flush = async () => {
    await storing;
    if (batch.size > 0) storing = storeBatch(batch);
    batch = new Map();
    // Whoever waits for it next gets the error.
    storing.catch(() => {});
  };
  const storeBatch = async (batch: Batch) => {
    const refusals = await putVisitors(store, [...batch.values()].map(({ visitor }) => visitor));
    for (const { shortId, reason } of refusals) reject(batch.get(shortId)!.line, reason);
    tally.stored += batch.size - refusals.length;
    onStored(tally.stored);
  };

  for await (const record of readRecords(input)) {
    const { visitor, droppedFields, problem } = visitorOf(record);
    if (problem !== undefined) {
      reject(record.line, problem);
      continue;
    }
    tally.droppedFields += droppedFields;
    // In a batch each short id is there once; the visitor it had before is stored, too.
    if (batch.has(visitor.short_id)) await flush();
    batch.set(visitor.short_id, { visitor, line: record.line });
    if (batch.size === BATCH) await flush();
  }
  await flush();
  await storing;
  return tally;
}

/**
 * Stores visitors. A write that fails as a whole is split in halves until the visitors are found for which it fails.
 *
 * @returns those that the database refused; all others are stored
 * @throws {StoreUnavailable}
 */
async function putVisitors(store: VisitorWrites, visitors: Visitor[]): Promise<Refusal[]> {
  try {
    return await store.putVisitors(visitors);
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    if (visitors.length === 1) {
      return [{ shortId: visitors[0].short_id, reason: `the database refuses it (${nameOf(error)})` }];
    }
    const middle = Math.ceil(visitors.length / 2);
    const refusals = await putVisitors(store, visitors.slice(0, middle));
    return [...refusals, ...await putVisitors(store, visitors.slice(middle))];
  }
}

/** The name and the code of an error; not its message, which may hold a visitor's data. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return "code" in error ? `${error.name}, code ${error.code}` : error.name;
}

type VisitorOrProblem =
  | { visitor: Visitor; droppedFields: number; problem?: undefined }
  | { visitor?: undefined; droppedFields?: undefined; problem: string };

function visitorOf(record: ImportRecord): VisitorOrProblem {
  if ("problem" in record) return record;
  let document: unknown;
  try {
    document = JSON.parse(record.text);
  } catch {
    // The parser's sentence quotes the text, which is somebody's data.
    return { problem: "not valid JSON" };
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    return { problem: "not a JSON object" };
  }
  const visitor = readVisitor(document as Record<string, unknown>);
  if (visitor === null) return { problem: "no string short_id" };
  const droppedFields = Object.keys(document).filter((key) => !Object.hasOwn(ATTRIBUTES, key)).length;
  return { visitor, droppedFields };
}
