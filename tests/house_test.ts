import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { hasAllRights } from "./support/rights.ts";

const SOURCE = fileURLToPath(new URL("../src", import.meta.url));

/** The parts of the house, from the lowest: each imports lower ones alone, and those on its line not at all. */
const FLOORS = [
  ["async"],
  ["visitor"],
  ["search"],
  ["config_values.ts", "env_file.ts"],
  ["config.ts"],
  ["store"],
  ["operations"],
  ["http"],
  ["rest", "presence", "stream", "console"],
  ["docs"],
  ["app.ts"],
  ["commands"],
];

/** Packages that one file alone imports. */
const ONE_IMPORTER: [specifier: RegExp, importer: string][] = [
  [/^(npm:)?mongodb(@|\/|$)/, "store/mongodb/driver.ts"],
  [/^node:sqlite$/, "store/sqlite/file.ts"],
];

/** Each source file, and what it imports. */
async function readImports(folder = SOURCE): Promise<Map<string, string[]>> {
  const imports = new Map<string, string[]>();
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) { for (const [file, found] of await readImports(path)) imports.set(file, found); }
    if (!name.endsWith(".ts")) continue;
    const text = await Deno.readTextFile(path);
    const found = text.matchAll(/^(?:import|export)\b[^;]*?from "([^"]+)"|\bimport\("([^"]+)"\)/gm);
    imports.set(
      relative(SOURCE, path),
      Array.from(found, ([, fixed, dynamic]) => fixed ?? dynamic)
        .map((given) => given.startsWith(".") ? relative(SOURCE, join(dirname(path), given)) : given),
    );
  }
  return imports;
}

function floorOf(file: string): number {
  const [part] = file.split("/");
  const floor = FLOORS.findIndex((parts) => parts.includes(part));
  assert.ok(floor >= 0, `${part} has a floor`);
  return floor;
}

const test = (sentence: string, fn: () => Promise<void>) =>
  Deno.test({ name: `The house: ${sentence}`, ignore: !hasAllRights, fn });

test("imports point down, and none goes in a circle", async () => {
  const imports = await readImports();
  const own = (file: string) => imports.get(file)!.filter((other) => imports.has(other));
  assert.ok(imports.size > 60, `${imports.size} files`);
  for (const file of imports.keys()) {
    for (const other of own(file)) {
      const isSamePart = other.split("/")[0] === file.split("/")[0];
      assert.ok(isSamePart || floorOf(other) < floorOf(file), `${file} imports ${other}`);
    }
  }
  const done = new Set<string>();
  const visit = (file: string, path: string[]) => {
    assert.ok(!path.includes(file), [...path, file].join(" imports "));
    if (done.has(file)) return;
    for (const other of own(file)) visit(other, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
});

test("a database's driver is imported by one file", async () => {
  const imports = await readImports();
  for (const [specifier, importer] of ONE_IMPORTER) {
    const importers = [...imports].filter(([, found]) => found.some((one) => specifier.test(one)));
    assert.deepEqual(importers.map(([file]) => file), [importer]);
  }
});
