/**
 * Foyer: who is on our site now, and which of them is the person I am talking to?
 *
 * @module
 */
import { parseArgs, type ParseArgsConfig } from "node:util";
import denoJson from "./deno.json" with { type: "json" };
import { type Command, EX_USAGE, runCommand } from "./src/commands/exit.ts";
import { backup } from "./src/commands/backup.ts";
import { check } from "./src/commands/check.ts";
import { exportVisitors } from "./src/commands/export.ts";
import { health } from "./src/commands/health.ts";
import { importFile } from "./src/commands/import.ts";
import { print, printError } from "./src/commands/print.ts";
import { reindex } from "./src/commands/reindex.ts";
import { serve } from "./src/commands/serve.ts";
import { GROUPS, loadConfig, VARIABLES } from "./src/config.ts";

const HELP = `Foyer ${denoJson.version}: the visitors of a website, over a REST API

  foyer, foyer serve   serve until SIGTERM or SIGINT
  foyer import FILE    store visitors from NDJSON, a JSON array or mongoexport's file
                       (-: standard input)
    --strict           refuse lines with values that cannot be used
    --time-unit=UNIT   read numbers as times, in seconds (s) or milliseconds (ms)
  foyer export         write all visitors to standard output as NDJSON
  foyer backup FILE    write a copy of the embedded store, also while a server uses it
  foyer reindex        add search fields to visitors that other software wrote (MongoDB)
  foyer check          check the configuration, the store and the rights on it
  foyer health         ask the running server whether it is ready
  foyer --help         this text
  foyer --version      the version

${describeVariables()}`;

async function main(args: string[]): Promise<number> {
  const command = chooseCommand(args);
  if (command === null) {
    printError(`Cannot do that, expected one of these:\n\n${HELP}`);
    return EX_USAGE;
  }
  return await runCommand(command);
}

function chooseCommand(args: string[]): Command | null {
  const words = readWords(args);
  switch (words?.join(" ")) {
    case "--help":
      return () => say(HELP);
    case "--version":
      return () => say(denoJson.version);
    case "":
    case "serve":
      return (uncaught) => serve(loadConfig(), { uncaught });
    case "export":
      return () => exportVisitors(loadConfig());
    case "reindex":
      return () => reindex(loadConfig());
    case "check":
      return () => check(loadConfig());
    case "health":
      return () => health(loadConfig());
  }
  if (words?.length === 2 && words[0] === "backup") return () => backup(loadConfig(), words[1]);
  return chooseImport(args);
}

function chooseImport(args: string[]): Command | null {
  const { values, positionals: [command, file, ...more] } = parse(args, {
    strict: { type: "boolean" },
    "time-unit": { type: "string" },
  }) ?? { values: {}, positionals: [] };
  const { strict: isStrict = false, "time-unit": timeUnit = null } = values;
  if (command !== "import" || file === undefined || more.length > 0) return null;
  if (timeUnit !== null && timeUnit !== "s" && timeUnit !== "ms") return null;
  return () => importFile(loadConfig(), file, { timeUnit, isStrict });
}

/** The words and the options of a command; `null` where there are others. */
function parse<const Options extends NonNullable<ParseArgsConfig["options"]>>(
  args: string[],
  options: Options,
) {
  try {
    return parseArgs({ args, allowPositionals: true, options });
  } catch {
    return null;
  }
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

/** The environment variables, a paragraph each, in lines of at most 80 columns. */
function describeVariables(): string {
  const groups = GROUPS.map((group) => {
    const variables = Object.entries(VARIABLES).filter(([, variable]) => variable.group === group);
    const described = variables.map(([name, { meaning, default: value, shownDefault = value }]) => {
      const suffix = shownDefault === "" ? "" : ` (default ${shownDefault})`;
      return `  ${name}\n${indent(meaning.replaceAll("`", "") + suffix)}`;
    });
    return `${group}:\n${described.join("\n")}`;
  });
  const where = "Environment variables, or lines of a .env file beside the executable, over\n" +
    "which the environment wins:";
  return [where, ...groups].join("\n\n");
}

function indent(sentence: string): string {
  return sentence.replace(/(.{1,74})( |$)/g, "      $1\n").trimEnd();
}

function say(text: string): number {
  print(text);
  return 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
