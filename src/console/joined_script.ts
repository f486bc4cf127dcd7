/**
 * The modules of a page as one script: each file's own headers and compression would cost more than what is in it, and
 * a browser would wait for each.
 *
 * Each module becomes a function that is called once, so that its names are its own. Modules must not import each
 * other in a circle, and an export must not be assigned to later.
 *
 * @module
 */

const IMPORT = /^import\s*(?:\{([^}]*)\}|([\w$]+))\s*from\s*"([^"]+)";?/gm;
const EXPORT = /^export (?=(?:async )?(?:function|class|const)\b\*?\s*([\w$]+))/gm;
/** As minifiers write them: after another statement, and under other names. */
const EXPORT_LIST = /(?<=^|[;}])export\s*\{([^}]*)\};?/g;
const EXPORT_DEFAULT = /(?<=^|[;}])export default\b/g;

/**
 * Joins a module with all that it imports.
 *
 * @param entry the name of the first module, such as `client/main.js`
 * @param textOf a module's text, without comments, by its name
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const modules: Record<string, string> = {
 *   "a/main.js": 'import { two as zwei } from "../b/two.js";\nglobalThis.example = zwei + 1;',
 *   "b/two.js": "export const two = 2;",
 * };
 * const script = joinModules("a/main.js", (name) => modules[name]);
 * assert.doesNotMatch(script, /import|export/);
 * new Function(script)();
 * assert.equal((globalThis as { example?: number }).example, 3);
 * ```
 */
export function joinModules(entry: string, textOf: (name: string) => string): string {
  const names: string[] = [];
  const parts: string[] = [];
  const add = (name: string) => {
    if (names.includes(name)) return;
    const text = textOf(name);
    for (const [, , , from] of text.matchAll(IMPORT)) add(resolve(from, name));
    names.push(name);
    parts.push(`const ${variableOf(name)} = (() => {\n${body(text, name)}\n})();`);
  };
  add(entry);
  return parts.join("\n");
}

/** A module's statements, which return what it exports. */
function body(text: string, name: string): string {
  const exported: string[] = [];
  const statements = text
    .replace(IMPORT, (_, list: string | undefined, byDefault: string | undefined, from: string) => {
      const pattern = list === undefined ? `{ default: ${byDefault} }` : `{${renamed(list)}}`;
      return `const ${pattern} = ${variableOf(resolve(from, name))};`;
    })
    .replace(EXPORT_LIST, (_, list: string) => {
      for (const item of list.split(",")) {
        const [own, other = own] = item.trim().split(/\s+as\s+/);
        exported.push(`${other}: ${own}`);
      }
      return "";
    })
    .replace(EXPORT_DEFAULT, () => {
      exported.push("default: exportedByDefault");
      return "const exportedByDefault =";
    })
    .replace(EXPORT, (_, own: string) => {
      exported.push(own);
      return "";
    });
  return `${statements}\nreturn { ${exported.join(", ")} };`;
}

/** Makes `a as b` of an import `a: b`, as a pattern has it. */
function renamed(list: string): string {
  return list.replace(/\s+as\s+/g, ": ");
}

function resolve(from: string, name: string): string {
  return new URL(from, `file:///${name}`).pathname.slice(1);
}

function variableOf(name: string): string {
  return `$${name.replace(/\W/g, "_")}`;
}
