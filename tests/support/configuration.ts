/**
 * The texts of other files about the environment variables, generated from the declarations in `src/config.ts`. A test
 * compares them with the files; run as a program (`deno task config`), this module updates the files.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { GROUPS, type VariableName, VARIABLES } from "../../src/config.ts";

/** A file that names the variables, with its current and its expected text. */
export interface ConfigurationFile {
  path: string;
  text: string;
  expected: string;
}

const NAMES = Object.keys(VARIABLES) as VariableName[];

/** The files that name the variables, with their current and their expected text. */
export function configurationFiles(): ConfigurationFile[] {
  const makers: Record<string, (text: string) => string> = {
    "README.md": (text) =>
      text.replace(/(?<=<!-- variables -->\n)[^]*(?=<!-- \/variables -->)/, readmeTables),
    ".env.example": envExample,
    "deno.json": (text) => text.replace(/--allow-env=\S+/, `--allow-env=${NAMES.join(",")}`),
  };
  return Object.entries(makers).map(([name, make]) => {
    const path = fileURLToPath(new URL(`../../${name}`, import.meta.url));
    const text = Deno.readTextFileSync(path);
    return { path, text, expected: make(text) };
  });
}

function inGroup(group: string): VariableName[] {
  return NAMES.filter((name) => VARIABLES[name].group === group);
}

function shownDefault(name: VariableName): string {
  const { default: value, shownDefault = value }: { default: string; shownDefault?: string } =
    VARIABLES[name];
  return shownDefault;
}

/** The README's tables, one for each group of variables, without padding. */
function readmeTables(): string {
  const tables = GROUPS.map((group) => {
    const rows = inGroup(group).map((name) => {
      const value = shownDefault(name);
      return `| \`${name}\` | ${value === "" ? "empty" : `\`${value}\``} | ${VARIABLES[name].meaning} |`;
    });
    return [`**${group}**`, "", "| name | default | meaning |", "| --- | --- | --- |", ...rows].join("\n");
  });
  return `${tables.join("\n\n")}\n`;
}

/** The text of `.env.example`: variables with an example are set, the others are commented out. */
function envExample(): string {
  const groups = GROUPS.map((group) => {
    const variables = inGroup(group).map((name) => {
      const { meaning, example }: { meaning: string; example?: string } = VARIABLES[name];
      const assignment = example === undefined ? `#${name}=${shownDefault(name)}` : `${name}=${example}`;
      return `# ${meaning.replaceAll("`", "")}\n${assignment}\n`;
    });
    return `# ${group}\n\n${variables.join("\n")}`;
  });
  return [
    "# Copy to .env, beside the executable (or in the project's root), with mode 600. The environment wins over it.\n" +
    "# A value with # in it needs quotes.\n",
    ...groups,
  ].join("\n");
}

if (import.meta.main) {
  for (const { path, text, expected } of configurationFiles()) {
    if (text !== expected) Deno.writeTextFileSync(path, expected);
  }
}
