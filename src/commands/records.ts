/**
 * Splits an import into records with line numbers, holding one record in memory at a time. A record that is not valid
 * JSON does not affect the others. (Streaming JSON parsers stop at the first error and do not count lines.)
 *
 * @module
 */

/** The most bytes of a record: the maximum size of a MongoDB document. */
const MAX_RECORD = 16 * 1024 * 1024;

/** A record's text or its problem, and the line on which the record begins. */
export type ImportRecord = { line: number; text: string } | { line: number; problem: string };

const [LINE_FEED, QUOTE, BACKSLASH, COMMA] = [10, 34, 92, 44];
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [91, 93, 123, 125];
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/**
 * Reads the records of NDJSON (one per line, https://github.com/ndjson/ndjson-spec) or of a JSON array (one per
 * element). Ignores blank lines.
 */
export async function* readRecords(input: AsyncIterable<Uint8Array>): AsyncGenerator<ImportRecord> {
  let splitter: Splitter | null = null;
  let head: Uint8Array | null = null;
  let line = 1;
  /** Skips white space. The first other character decides whether the input is NDJSON or an array. */
  const begin = (bytes: Uint8Array): Uint8Array => {
    const first = bytes.findIndex((byte) => !isSpace(byte));
    const blank = bytes.subarray(0, first === -1 ? bytes.length : first);
    for (const byte of blank) if (byte === LINE_FEED) line++;
    if (first !== -1) {
      splitter = bytes[first] === OPEN_BRACKET ? new ArraySplitter(line) : new LineSplitter(line);
    }
    return bytes.subarray(blank.length);
  };
  let start: Uint8Array = new Uint8Array();
  for await (const bytes of input) {
    let rest = bytes;
    if (head === null) {
      start = joinBytes([start, bytes]);
      if (start.length < HEAD) continue;
      head = rest = start;
      const problem = formatProblem(head);
      if (problem !== null) {
        yield { line, problem };
        return;
      }
      if (hasByteOrderMark(head)) rest = rest.subarray(BYTE_ORDER_MARK.length);
    }
    if (splitter === null) rest = begin(rest);
    if (splitter !== null) yield* (splitter as Splitter).split(rest);
  }
  if (head === null) {
    const rest = begin(hasByteOrderMark(start) ? start.subarray(BYTE_ORDER_MARK.length) : start);
    if (splitter !== null) yield* (splitter as Splitter).split(rest);
  }
  if (splitter !== null) yield* (splitter as Splitter).end();
}

function hasByteOrderMark(bytes: Uint8Array): boolean {
  return BYTE_ORDER_MARK.every((byte, i) => bytes[i] === byte);
}

/** The number of leading bytes by which a file's format is recognised. */
const HEAD = 4;

/** Recognises an unsupported file format or encoding by the first bytes; `null` for UTF-8 text. */
function formatProblem([first, second, third, fourth]: Uint8Array): string | null {
  const hasMark = first === 0xff && second === 0xfe || first === 0xfe && second === 0xff;
  const hasZeros = first === 0 && third === 0 || second === 0 && fourth === 0 || first === 0 && second === 0;
  if (hasMark || hasZeros) return "the file is UTF-16 or UTF-32, expected UTF-8";
  if (first === 0x1f && second === 0x8b) return "the file is compressed by gzip, expected text";
  if (first === 0x28 && second === 0xb5 && third === 0x2f && fourth === 0xfd) {
    return "the file is compressed by zstd, expected text";
  }
  return first === 0x50 && second === 0x4b && third === 3 && fourth === 4
    ? "the file is a ZIP archive, expected text"
    : null;
}

/** Splits bytes into records, and buffers the bytes of the record that has not ended. */
abstract class Splitter {
  #parts: Uint8Array[] = [];
  #length = 0;
  protected recordLine: number;

  /** @param line the line number of the first byte */
  constructor(protected line: number) {
    this.recordLine = line;
  }

  abstract split(bytes: Uint8Array): Generator<ImportRecord>;
  abstract end(): Generator<ImportRecord>;

  protected keep(bytes: Uint8Array) {
    this.#length += bytes.length;
    // The bytes of an overlong record are counted and discarded.
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
  /** Whether the element has any character but white space. */
  #hasBegun = false;
  /** Whether a comma was read, after which an element must follow. */
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
