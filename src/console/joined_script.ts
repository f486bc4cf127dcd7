/**
 * Joins the modules of a web page to one script: in separate files, headers and worse compression would cost more than
 * the content, and a browser would wait for each file.
 *
 * Each module becomes a function that is called once, so that its names stay private. Limits: no circular imports, and
 * no assignment to an export after its declaration.
 *
 * @module
 */

const IMPORT = /^import\s*(?:\{([^}]*)\}|([\w$]+))\s*from\s*"([^"]+)";?/gm;
const EXPORT = /^export (?=(?:async )?(?:function|class|const)\b\*?\s*([\w$]+))/gm;
/** Exports as minifiers write them: on the line of another statement, and renamed. */
const EXPORT_LIST = /(?<=^|[;}])export\s*\{([^}]*)\};?/g;
const EXPORT_DEFAULT = /(?<=^|[;}])export default\b/g;

/**
 * Joins a module with all its direct and indirect imports.
 *
 * @param entry the name of the entry module, such as `client/main.js`
 * @param textOf returns the source of a module, without comments, by its name
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

/** A function body with a module's statements, which returns the module's exports. */
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

/** Rewrites `a as b` of an import to `a: b` of a destructuring pattern. */
function renamed(list: string): string {
  return list.replace(/\s+as\s+/g, ": ");
}

function resolve(from: string, name: string): string {
  return new URL(from, `file:///${name}`).pathname.slice(1);
}

function variableOf(name: string): string {
  return `$${name.replace(/\W/g, "_")}`;
}
