/**
 * `foyer import FILE`: stores visitors from NDJSON or a JSON array.
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
import { parseJson } from "../visitor/exact_json.ts";
import {
  ATTRIBUTE_NAMES,
  type AttributeName,
  ATTRIBUTES,
  readVisitor,
  type Visitor,
} from "../visitor/visitor.ts";
import { GONE_OFFLINE } from "../visitor/visitor_state.ts";
import { comesByWebSdk } from "../visitor/web_sdk.ts";
import { nativeDocument, type TimeUnit } from "./extended_json.ts";
import { count, Progress } from "./progress.ts";
import { type ImportRecord, readRecords } from "./records.ts";
import { printError } from "./print.ts";

/** The most visitors in one write, and the most characters of their records: fast, but with little memory. */
const [BATCH, BATCH_LENGTH] = [1000, 8 * 1024 * 1024];

/** The result of an import. */
interface Tally {
  stored: number;
  bad: number;
  droppedFields: number;
  /** The unusable values, by attribute; empty if `isStrict` is set. */
  unusable: Map<AttributeName, UnusableValues>;
}

/** The unusable values of one attribute. */
interface UnusableValues {
  count: number;
  /** The number of visitors with a value for the attribute, usable or not. */
  given: number;
  firstLine: number;
  /** Why the first of the values is unusable. */
  reason: string;
}

/** The options for reading values. */
export interface ReadingOptions {
  /** The unit of numbers in time attributes; `null` makes such numbers unusable. */
  timeUnit?: TimeUnit | null;
  /** Whether an unusable value makes the whole record a bad line. */
  isStrict?: boolean;
  /** The value of `SITE_KEY`. Visitors who came in with it are stored as offline. */
  siteKey?: string;
}

/** The visitors of one write by short id, each with the line of its record. */
type Batch = Map<string, { visitor: Visitor; line: number }>;

/**
 * Imports a file, or standard input for `-`.
 *
 * @returns the exit code: 0, or 1 if a line was bad or the import is incomplete
 */
export async function importFile(
  config: Config,
  file: string,
  options: ReadingOptions = {},
): Promise<number> {
  let input: AsyncIterable<Uint8Array>;
  try {
    input = file === "-" ? Deno.stdin.readable : (await Deno.open(file)).readable;
  } catch (error) {
    printError(`Cannot read ${JSON.stringify(file)}: ${(error as Error).name}`);
    return 1;
  }
  const store = await openStore(config.store, "command", openConfiguredLog(config));
  const progress = new Progress();
  try {
    const tally = await importVisitors(input, store, {
      onBad: (line, reason) => progress.report(`line ${line}: ${reason}`),
      onStored: (stored) => progress.show(stored, "visitor"),
    }, { ...options, siteKey: config.presence?.siteKey });
    while (await store.maintainIndexes?.());
    for (const [name, unusable] of tally.unusable) progress.report(describeUnusable(name, unusable));
    progress.report(
      `Stored ${count(tally.stored, "visitor")}, ${count(tally.bad, "bad line")}, ` +
        `${count(tally.droppedFields, "unknown field")} dropped`,
    );
    return tally.bad === 0 ? 0 : 1;
  } catch (error) {
    if (error instanceof StoreUnavailable) progress.report(error.message);
    else progress.report(`Cannot read ${JSON.stringify(file)} to its end: ${(error as Error).name}`);
    progress.report("The import stopped; the visitors stored so far are kept, run it again to continue");
    return 1;
  } finally {
    await store.close();
  }
}

/**
 * Stores every visitor that can be read and that the database accepts. Of two records with the same short id the later
 * one replaces the earlier.
 *
 * @param onBad called for each record that is not stored, with its line and the reason
 * @param onStored called with the number of visitors stored so far
 *
 * @throws {StoreUnavailable} the database does not answer; visitors stored so far are kept
 */
export async function importVisitors(
  input: AsyncIterable<Uint8Array>,
  store: VisitorStore,
  { onBad, onStored }: { onBad: (line: number, reason: string) => void; onStored: (stored: number) => void },
  options: ReadingOptions = {},
): Promise<Tally> {
  const tally: Tally = { stored: 0, bad: 0, droppedFields: 0, unusable: new Map() };
  const given = new Map<AttributeName, number>(ATTRIBUTE_NAMES.map((name) => [name, 0]));
  let batch: Batch = new Map();
  let length = 0;

  const reject = (line: number, reason: string) => {
    tally.bad++;
    onBad(line, reason);
  };
  let storing = Promise.resolve();
  /** Starts to store the batch while the next one is read. Waits for the previous batch first, to keep the order. */
  const flush = async () => {
    await storing;
    if (batch.size > 0) storing = storeBatch(batch);
    batch = new Map();
    length = 0;
    // The next `await storing` throws the error.
    storing.catch(() => {});
  };
  const storeBatch = async (batch: Batch) => {
    const refusals = await putVisitors(store, [...batch.values()].map(({ visitor }) => visitor));
    for (const { shortId, reason } of refusals) reject(batch.get(shortId)!.line, reason);
    tally.stored += batch.size - refusals.length;
    onStored(tally.stored);
  };

  for await (const record of readRecords(input)) {
    const read = visitorOf(record, options);
    if ("problem" in read) {
      reject(record.line, read.problem);
      continue;
    }
    const { visitor, fields, unusable } = read;
    for (const [name, value] of Object.entries(fields)) {
      if (!Object.hasOwn(ATTRIBUTES, name)) tally.droppedFields++;
      else if (value !== null) given.set(name as AttributeName, given.get(name as AttributeName)! + 1);
    }
    for (const [name, reason] of unusable) {
      const values = tally.unusable.get(name);
      if (values !== undefined) values.count++;
      else tally.unusable.set(name, { count: 1, given: 0, firstLine: record.line, reason });
    }
    // A short id may occur only once in a batch, so the earlier visitor with it is stored first.
    if (batch.has(visitor.short_id)) await flush();
    batch.set(visitor.short_id, { visitor, line: record.line });
    if ("text" in record) length += record.text.length;
    if (batch.size === BATCH || length >= BATCH_LENGTH) await flush();
  }
  await flush();
  await storing;
  for (const [name, values] of tally.unusable) values.given = given.get(name)!;
  return tally;
}

function describeUnusable(name: AttributeName, { count, given, firstLine, reason }: UnusableValues): string {
  const [of, all] = [count, given].map((number) => number.toLocaleString("en"));
  return `${name}: ${of} of ${all} unusable, first in line ${firstLine}: ${reason}`;
}

/**
 * Stores visitors. A write that fails as a whole is split in halves, until the visitors that cause it are found.
 *
 * @returns the visitors that the database refused; all others are stored
 * @throws {StoreUnavailable} the database does not answer
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

/** The name and code of an error, without its message, which may hold a visitor's data. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return "code" in error ? `${error.name}, code ${error.code}` : error.name;
}

/** The result of reading a record: its visitor, its fields, and the reasons why values are unusable; or a problem. */
type ReadRecord =
  | { visitor: Visitor; fields: Record<string, unknown>; unusable: Map<AttributeName, string> }
  | { problem: string };

function visitorOf(
  record: ImportRecord,
  { timeUnit = null, isStrict = false, siteKey }: ReadingOptions,
): ReadRecord {
  if ("problem" in record) return record;
  let fields: unknown;
  try {
    fields = parseJson(record.text);
  } catch {
    // The parser's message is not used, since it quotes the record, which is personal data.
    return { problem: "not valid JSON" };
  }
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    return { problem: "not a JSON object" };
  }
  const unusable = new Map<AttributeName, string>();
  const refuse = (name: AttributeName, reason: string) => {
    if (!unusable.has(name)) unusable.set(name, reason);
  };
  const document = nativeDocument(fields as Record<string, unknown>, timeUnit, refuse);
  const visitor = readVisitor(document, refuse);
  if (visitor === null) return { problem: "no string short_id" };
  for (const name of repeatedAttributes(record.text, fields as Record<string, unknown>)) {
    refuse(name, "it occurs more than once, and the last value is used");
  }
  const [first] = unusable;
  if (isStrict && first !== undefined) return { problem: first.join(": ") };
  // The visitor's connections were to another process, or have ended.
  if (siteKey !== undefined && comesByWebSdk(visitor, siteKey)) {
    Object.assign(visitor, GONE_OFFLINE);
  }
  return { visitor, fields: fields as Record<string, unknown>, unusable };
}

/** The attributes with repeated keys in a record, or in its metadata: `JSON.parse` silently uses the last value. */
function repeatedAttributes(text: string, parsed: Record<string, unknown>): Set<AttributeName> {
  const repeated = new Set<AttributeName>();
  // Fast path: as many `":` as parsed keys means that no key is repeated, since strings seldom contain `":`.
  let colons = 0;
  for (let at = text.indexOf('":'); at !== -1; at = text.indexOf('":', at + 2)) colons++;
  if (colons === countKeys(parsed) && !/"\s+:/.test(text)) return repeated;
  const seen = new Set<string>();
  let depth = 0;
  let attribute: string | null = null;
  // Tokens: a string, with a colon if it is a key, or a bracket.
  for (const [token, string, colon] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (colon !== undefined && (depth === 1 || depth === 2 && attribute === "metadata")) {
      const key = JSON.parse(string) as string;
      if (depth === 1) attribute = key;
      const path = `${depth} ${key}`;
      if (seen.has(path) && attribute !== null && Object.hasOwn(ATTRIBUTES, attribute)) {
        repeated.add(attribute as AttributeName);
      }
      seen.add(path);
    }
  }
  return repeated;
}

/** The number of keys in all objects of a JSON value, at any depth. */
function countKeys(value: unknown): number {
  let count = 0;
  const open = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next !== "object" || next === null) continue;
    if (Array.isArray(next)) {
      for (const item of next) open.push(item);
      continue;
    }
    for (const key in next) {
      count++;
      open.push((next as Record<string, unknown>)[key]);
    }
  }
  return count;
}
