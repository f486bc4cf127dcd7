/**
 * Splits an import into its records, with line numbers, and with no more than one record in memory. A record that is no
 * JSON does not affect the others. (Streaming JSON parsers stop at the first fault and do not count lines.)
 *
 * @module
 */

/** A longer record is no visitor, in bytes. */
const MAX_RECORD = 4 * 1024 * 1024;

/** A record's text and the line on which it begins, or what is wrong with it. */
export type ImportRecord = { line: number; text: string } | { line: number; problem: string };

const [LINE_FEED, QUOTE, BACKSLASH, COMMA] = [10, 34, 92, 44];
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [91, 93, 123, 125];
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/**
 * The records of NDJSON, a line each (https://github.com/ndjson/ndjson-spec), or of one JSON array, an element
 * each. Blank lines are passed over.
 */
export async function* readRecords(input: AsyncIterable<Uint8Array>): AsyncGenerator<ImportRecord> {
  let splitter: Splitter | null = null;
  let head: Uint8Array = new Uint8Array();
  let line = 1;
  let isStart = true;
  for await (const bytes of input) {
    if (splitter !== null) {
      yield* splitter.split(bytes);
      continue;
    }
    // The first character that is no white space decides which of the two it is.
    head = joinBytes([head, bytes]);
    if (
      isStart && head.length < 3 && BYTE_ORDER_MARK.slice(0, head.length).every((byte, i) => head[i] === byte)
    ) {
      continue;
    }
    if (isStart && BYTE_ORDER_MARK.every((byte, i) => head[i] === byte)) head = head.subarray(3);
    isStart = false;
    const first = head.findIndex((byte) => !isSpace(byte));
    const blank = head.subarray(0, first === -1 ? head.length : first);
    for (const byte of blank) if (byte === LINE_FEED) line++;
    head = head.subarray(blank.length);
    if (first === -1) continue;
    splitter = head[0] === OPEN_BRACKET ? new ArraySplitter(line) : new LineSplitter(line);
    yield* splitter.split(head);
  }
  if (splitter !== null) yield* splitter.end();
}

/** Cuts bytes into records and keeps the bytes of the one that has not ended. */
abstract class Splitter {
  #parts: Uint8Array[] = [];
  #length = 0;
  protected recordLine: number;

  /** @param line on which the bytes begin */
  constructor(protected line: number) {
    this.recordLine = line;
  }

  abstract split(bytes: Uint8Array): Generator<ImportRecord>;
  abstract end(): Generator<ImportRecord>;

  protected keep(bytes: Uint8Array) {
    this.#length += bytes.length;
    // What is too long is counted and let go.
    if (this.#length <= MAX_RECORD) this.#parts.push(bytes.slice());
    else this.#parts = [];
  }

  protected get isBlank(): boolean {
    return this.#length <= MAX_RECORD && this.#parts.every((part) => part.every(isSpace));
  }

  protected take(): ImportRecord {
    const [bytes, length] = [joinBytes(this.#parts), this.#length];
    this.#parts = [];
    this.#length = 0;
    if (length > MAX_RECORD) {
      return { line: this.recordLine, problem: `longer than ${MAX_RECORD / 1024 / 1024} MB` };
    }
    try {
      return { line: this.recordLine, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
    } catch {
      return { line: this.recordLine, problem: "not UTF-8" };
    }
  }
}

class LineSplitter extends Splitter {
  *split(bytes: Uint8Array): Generator<ImportRecord> {
    let start = 0;
    for (let end; (end = bytes.indexOf(LINE_FEED, start)) !== -1; start = end + 1) {
      this.keep(bytes.subarray(start, end));
      yield* this.end();
      this.line++;
    }
    this.keep(bytes.subarray(start));
  }

  *end(): Generator<ImportRecord> {
    this.recordLine = this.line;
    const isBlank = this.isBlank;
    const record = this.take();
    if (!isBlank) yield record;
  }
}

class ArraySplitter extends Splitter {
  #place: "before" | "inside" | "after" | "ignored" = "before";
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Whether the element has a character that is no white space. */
  #hasBegun = false;
  /** Whether a comma asks for one more element. */
  #isOwed = false;

  *split(bytes: Uint8Array): Generator<ImportRecord> {
    let start = 0;
    for (let i = 0; i < bytes.length && this.#place !== "ignored"; i++) {
      const byte = bytes[i];
      if (byte === LINE_FEED) this.line++;
      else if (this.#place === "inside" && !this.#hasBegun && !isSpace(byte)) {
        this.#hasBegun = byte !== COMMA && byte !== CLOSE_BRACKET;
        this.recordLine = this.line;
      }
      if (this.#place === "before") {
        if (byte === OPEN_BRACKET) {
          this.#place = "inside";
          start = i + 1;
        }
      } else if (this.#place === "after") {
        if (!isSpace(byte)) {
          yield { line: this.line, problem: "something follows the array's end" };
          this.#place = "ignored";
        }
      } else if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inString = false;
      } else if (byte === QUOTE) {
        this.#inString = true;
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        this.#depth++;
      } else if (this.#depth > 0) {
        if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) this.#depth--;
      } else if (byte === COMMA || byte === CLOSE_BRACKET) {
        this.keep(bytes.subarray(start, i));
        start = i + 1;
        yield* this.#element(byte === COMMA);
        this.#isOwed = byte === COMMA;
        if (byte === CLOSE_BRACKET) this.#place = "after";
      }
    }
    if (this.#place === "inside") this.keep(bytes.subarray(start));
  }

  *#element(isFollowed: boolean): Generator<ImportRecord> {
    const record = this.take();
    if (this.#hasBegun) yield record;
    else if (isFollowed || this.#isOwed) yield { line: this.line, problem: "an element is missing" };
    this.#hasBegun = false;
  }

  *end(): Generator<ImportRecord> {
    if (this.#place !== "inside") return;
    if (this.#hasBegun) yield this.take();
    yield { line: this.line, problem: "the array does not end" };
  }
}

function isSpace(byte: number): boolean {
  return byte === 32 || byte === LINE_FEED || byte === 13 || byte === 9;
}

function joinBytes(parts: Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0];
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
