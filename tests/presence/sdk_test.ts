import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { withoutComments } from "../../src/http/compact_script.ts";
import { inFolder } from "../support/folders.ts";
import { runProcess } from "../support/processes.ts";
import { hasAllRights } from "../support/rights.ts";

const SDK = new URL("../../src/presence/sdk.js", import.meta.url);
const TYPES = new URL("../../src/presence/sdk.d.ts", import.meta.url);

/** Uses of the SDK, and whether they are right; each is checked on a line of its own. */
const USES: [use: string, isRight: boolean][] = [
  [`Foyer("init", { apiKey: "site" });`, true],
  [
    `Foyer("init", { apiKey: "site", identities: ["Ada"], uniqueId: "1", tags: ["#a"], integrationIds: ["crm:1"] });`,
    true,
  ],
  [
    `Foyer("init", { apiKey: "site", callName: "a", name: "b", email: null, metadata: { a: 1, b: "c", d: true } });`,
    true,
  ],
  [`Foyer("init", { apiKey: "site", lookupCodeElement: "#code" });`, true],
  [`Foyer("updateConnection", { name: null, tags: null, integrationIds: ["crm:"] });`, true],
  [`Foyer("getShortId", (shortId) => shortId.toUpperCase());`, true],
  [`Foyer("getLookupCode", (code: string) => code);`, true],
  [`Foyer("on", "connected", ({ shortId, lookupCode }) => shortId + (lookupCode ?? ""));`, true],
  [`Foyer("on", "lookupCode", (code) => code?.length);`, true],
  [`Foyer("off", "disconnected", () => {});`, true],
  [`Foyer("reset"); Foyer("disconnect");`, true],
  [`globalThis.Foyer = globalThis.Foyer || function () {};`, true],
  [`Foyer("init", {});`, false],
  [`Foyer("init");`, false],
  [`Foyer("init", { apiKey: "site", identities: "Ada" });`, false],
  [`Foyer("init", { apiKey: "site", uniqueId: 1 });`, false],
  [`Foyer("init", { apiKey: "site", metadata: { a: { b: 1 } } });`, false],
  [`Foyer("init", { apiKey: "site", unknown: 1 });`, false],
  [`Foyer("updateConnection", { apiKey: "site" });`, false],
  [`Foyer("getShortId");`, false],
  [`Foyer("on", "elsewhere", () => {});`, false],
  [`Foyer("on", "lookupCode", (code: number) => code);`, false],
  [`Foyer("unknown");`, false],
];

if (hasAllRights) {
  Deno.test("The SDK is under 8 KB, compressed", async () => {
    const { length } = gzipSync(withoutComments(await Deno.readTextFile(SDK)), { level: 9 });
    assert.ok(length < 8192, `${length} bytes`);
  });

  Deno.test("The SDK is served without its comments, and otherwise unchanged", async () => {
    const script = await Deno.readTextFile(SDK);
    const sent = withoutComments(script);
    assert.doesNotMatch(sent, /^\s*(\/\/|\/?\*)/m);
    // Only comments, white space and empty lines may differ.
    const linesOf = (text: string) =>
      text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
    const isComment = /^(\/\/|\/\*|\*)/;
    assert.deepEqual(linesOf(sent), linesOf(script).filter((line) => !isComment.test(line)));
    new Function(sent);
  });

  Deno.test("Without a web page, as in server-side rendering, the SDK does nothing", () =>
    inFolder(async (folder) => {
      await Deno.copyFile(SDK, `${folder}/sdk.mjs`);
      const script = `import "./sdk.mjs"; import "./sdk.mjs?again";
        Foyer("init", { apiKey: "site", lookupCodeElement: "#code", name: "Ada" });
        for (const name of ["reset", "disconnect", "updateConnection", "getShortId", "on", Symbol()]) Foyer(name);`;
      await Deno.writeTextFile(`${folder}/page.mjs`, script);
      const { code, stdout } = await runProcess({
        program: Deno.execPath(),
        args: ["run", "--no-config", "--no-lock", "page.mjs"],
        cwd: folder,
      });
      assert.deepEqual([code, stdout], [0, ""]);
    }));

  for (
    const [name, before] of [
      ["module", `import Foyer from "./sdk.mjs";`],
      ["script", `import "./sdk.mjs";`],
    ]
  ) {
    Deno.test(`Right uses of the ${name} type-check, and wrong ones do not`, () =>
      inFolder(async (folder) => {
        await Deno.copyFile(SDK, `${folder}/sdk.mjs`);
        await Deno.copyFile(TYPES, `${folder}/sdk.d.ts`);
        const types = `// @ts-types="./sdk.d.ts"\n`;
        const uses = USES.map(([use]) => use).join("\n");
        await Deno.writeTextFile(`${folder}/uses.ts`, `${types}${before}\n${uses}\n`);
        const { stderr } = await runProcess({
          program: Deno.execPath(),
          args: ["check", "--no-config", "--no-lock", "uses.ts"],
          cwd: folder,
          env: { NO_COLOR: "1" },
        });
        // The first use is on the third line.
        const wrong = new Set(
          [...stderr.matchAll(/uses\.ts:(\d+):\d+/g)].map(([, line]) => USES[Number(line) - 3][0]),
        );
        assert.deepEqual([...wrong], USES.filter(([, isRight]) => !isRight).map(([use]) => use), stderr);
      }));
  }
}
