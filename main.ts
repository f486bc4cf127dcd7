/**
 * Foyer: who is on our site now, and which of them is the person I am talking to?
 *
 * @module
 */
import { parseArgs } from "node:util";
import denoJson from "./deno.json" with { type: "json" };
import { exportVisitors } from "./src/commands/export.ts";
import { importFile } from "./src/commands/import.ts";
import { serve } from "./src/commands/serve.ts";
import { ConfigurationError, readConfig, readEnvironment } from "./src/config.ts";

const HELP = `Foyer ${denoJson.version}: the visitors of a website, over a REST API

  foyer, foyer serve   serve until SIGTERM or SIGINT
  foyer import FILE    store visitors from NDJSON or a JSON array (-: standard input)
  foyer export         write all visitors to standard output as NDJSON
  foyer --help         this text
  foyer --version      the version

It is configured by environment variables, or by a .env file beside the executable:
BASE_ENDPOINT, REST_KEY, MONGO_URI, MONGO_COLLECTION, SQLITE_PATH, PORT, HOST,
HIDDEN_ATTRIBUTES, WATCH_LINK, MAX_STALE_MS. The README says what each means.`;

// sysexits.h
const EX_USAGE = 64;
const EX_CONFIG = 78;

async function main(args: string[]): Promise<number> {
  const command = chooseCommand(args);
  if (command === null) {
    console.error(`Cannot do that, expected one of these:\n\n${HELP}`);
    return EX_USAGE;
  }
  try {
    return await command();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const line of error.lines) console.error(line);
    return EX_CONFIG;
  }
}

function chooseCommand(args: string[]): (() => number | Promise<number>) | null {
  const config = () => readConfig(readEnvironment());
  const words = readWords(args);
  switch (words?.join(" ")) {
    case "--help":
      return () => print(HELP);
    case "--version":
      return () => print(denoJson.version);
    case "":
    case "serve":
      return () => serve(config());
    case "export":
      return () => exportVisitors(config());
  }
  return words?.length === 2 && words[0] === "import" ? () => importFile(config(), words[1]) : null;
}

/** The words of a command; an option alone counts as one. */
function readWords(args: string[]): string[] | null {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { help: { type: "boolean", short: "h" }, version: { type: "boolean", short: "v" } },
    });
    if (values.help) return ["--help"];
    return values.version ? ["--version"] : positionals;
  } catch {
    return null;
  }
}

function print(text: string): number {
  console.log(text);
  return 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
