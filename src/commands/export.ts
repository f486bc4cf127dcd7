/**
 * `foyer export`: writes every visitor as NDJSON, which `foyer import` can read.
 *
 * @module
 */
import type { Config } from "../config.ts";
import { openConfiguredLog } from "../operations/log.ts";
import { openStore } from "../store/open.ts";
import { StoreUnavailable, type VisitorStore } from "../store/visitor_store.ts";
import { printError } from "./print.ts";

/** The number of characters that are written at once. */
const WRITE_SIZE = 64 * 1024;

/** Generates the lines of an export, one visitor each. */
export async function* exportLines(store: VisitorStore): AsyncGenerator<string> {
  for await (const visitor of store.allVisitors()) yield JSON.stringify(visitor) + "\n";
}

/**
 * Writes all visitors to standard output with all attributes, even hidden ones, since an export is a copy of the store.
 *
 * @returns the exit code: 0, or 1 if the export is incomplete
 */
export async function exportVisitors(config: Config): Promise<number> {
  const store = await openStore(config.store, "command", openConfiguredLog(config), {
    mayCreate: false,
  });
  const writer = Deno.stdout.writable.getWriter();
  const encoder = new TextEncoder();
  try {
    let text = "";
    for await (const line of exportLines(store)) {
      text += line;
      if (text.length < WRITE_SIZE) continue;
      await writer.write(encoder.encode(text));
      text = "";
    }
    await writer.write(encoder.encode(text));
    return 0;
  } catch (error) {
    // The reader closed the pipe, as `head` does when it has enough lines.
    if (error instanceof Deno.errors.BrokenPipe) return 0;
    const reason = error instanceof StoreUnavailable ? error.message : outputFailure(error);
    if (reason === null) throw error;
    printError(`${reason}; the export is incomplete`);
    return 1;
  } finally {
    await store.close();
  }
}

/** A sentence for a failure to write standard output; `null` for any other error. */
function outputFailure(error: unknown): string | null {
  const { code } = error as { code?: unknown };
  return error instanceof Deno.errors.WriteZero || typeof code === "string"
    ? `Cannot write to standard output (${code ?? "WriteZero"})`
    : null;
}
