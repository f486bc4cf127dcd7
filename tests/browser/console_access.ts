/**
 * The accessibility of the console: axe finds no violation in any state, in either colour scheme, on phones and
 * desktops, and no content is cut off.
 *
 * @module
 */
import assert from "node:assert/strict";
import { assertAccessibleInBothSchemes } from "../support/axe.ts";
import type { ConsoleSentences } from "./agents.ts";
import { STATES } from "./console_states.ts";

export const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };

/** The test of each screen size. */
export const CONSOLE_ACCESS: ConsoleSentences = Object.fromEntries(
  Object.entries(SIZES).map(([size, viewport]) => [
    `Axe finds no violation in any state, light or dark, ${size}`,
    async (scene) => {
      const failures: Error[] = [];
      for (const [name, enter] of Object.entries(STATES)) {
        for await (const { short_id } of scene.store.allVisitors()) {
          await scene.store.removeVisitor(short_id);
        }
        const console = await scene.openConsole({ key: null, viewport, reducedMotion: "reduce" });
        try {
          await enter(console, scene);
          await assertAccessibleInBothSchemes(console.page, name);
          const width = await console.page.evaluate("document.documentElement.scrollWidth");
          assert.equal(width, viewport.width, `${name}: nobody scrolls sideways`);
        } catch (error) {
          failures.push(new Error(name, { cause: error }));
        }
        console.forgetRefusals();
        await console.context.close();
      }
      if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join());
    },
  ]),
);
