/**
 * Foyer: who is on our site now, and which of them is the person I am talking to?
 *
 * @module
 */
import { parseArgs } from "node:util";
import denoJson from "./deno.json" with { type: "json" };
import { type Command, EX_USAGE, runCommand } from "./src/commands/exit.ts";
import { exportVisitors } from "./src/commands/export.ts";
import { importFile } from "./src/commands/import.ts";
import { reindex } from "./src/commands/reindex.ts";
import { serve } from "./src/commands/serve.ts";
import { readConfig, readEnvironment, VARIABLES } from "./src/config.ts";

const CONFIGURED = wrap(
  "It is configured by environment variables, or by a .env file beside the executable: " +
    `${Object.keys(VARIABLES).join(", ")}. The README says what each means.`,
);

const HELP = `Foyer ${denoJson.version}: the visitors of a website, over a REST API

  foyer, foyer serve   serve until SIGTERM or SIGINT
  foyer import FILE    store visitors from NDJSON or a JSON array (-: standard input)
  foyer export         write all visitors to standard output as NDJSON
  foyer reindex        make visitors that other software wrote quick to find (MongoDB)
  foyer --help         this text
  foyer --version      the version

${CONFIGURED}`;

async function main(args: string[]): Promise<number> {
  const command = chooseCommand(args);
  if (command === null) {
    console.error(`Cannot do that, expected one of these:\n\n${HELP}`);
    return EX_USAGE;
  }
  return await runCommand(command);
}

function chooseCommand(args: string[]): Command | null {
  const config = () => readConfig(readEnvironment());
  const words = readWords(args);
  switch (words?.join(" ")) {
    case "--help":
      return () => print(HELP);
    case "--version":
      return () => print(denoJson.version);
    case "":
    case "serve":
      return (uncaught) => serve(config(), { uncaught });
    case "export":
      return () => exportVisitors(config());
    case "reindex":
      return () => reindex(config());
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

/** Breaks a sentence into lines of less than 80 columns. */
function wrap(sentence: string): string {
  return sentence.replace(/(.{1,79})( |$)/g, "$1\n").trimEnd();
}

function print(text: string): number {
  console.log(text);
  return 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
