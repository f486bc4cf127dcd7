/**
 * Screenshots of the console in each of its states, for review: `deno task screenshots` writes them to a temporary
 * folder, and prints its path. With `--readme` it makes the README's two screenshots instead.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { startBrowser } from "../support/browser.ts";
import { inFolder } from "../support/folders.ts";
import { openSceneStore, playScene, WRITE_KEY } from "./agents.ts";
import { SIZES } from "./console_access.ts";
import { STATES } from "./console_states.ts";
import { Installation, until } from "./installation.ts";

/** The README's screenshots: file name to state. */
const OF_README = { "console": "visitor", "code": "code found" };

/** A screenshot: its file, the state, and the browser's options. */
interface Picture {
  path: string;
  state: string;
  look: Record<string, unknown>;
}

function picturesOf(folder: string): Picture[] {
  const looks: Record<string, Record<string, unknown>> = {
    light: { viewport: SIZES.desktop },
    dark: { viewport: SIZES.desktop, colorScheme: "dark" },
    forced: { viewport: SIZES.desktop, forcedColors: "active" },
    phone: { viewport: SIZES.phone, hasTouch: true, isMobile: true },
    "phone-dark": { viewport: SIZES.phone, hasTouch: true, isMobile: true, colorScheme: "dark" },
  };
  return Object.keys(STATES).flatMap((state) =>
    Object.entries(looks).map(([name, look]) => ({
      path: `${folder}/${state.replaceAll(" ", "-")}.${name}.png`,
      state,
      look,
    }))
  );
}

function picturesOfReadme(): Picture[] {
  const folder = fileURLToPath(new URL("../../src/console/screenshots", import.meta.url));
  return Object.entries(OF_README).map(([name, state]) => ({
    path: `${folder}/${name}.png`,
    state,
    look: { viewport: { width: 1280, height: 660 } },
  }));
}

const folder = await Deno.makeTempDir({ prefix: "foyer-screenshots-" });
const isForReadme = Deno.args.includes("--readme");
await inFolder(async (data) => {
  await using browser = await startBrowser();
  await using foyer = new Installation(data, [], { REST_WRITE_KEY: WRITE_KEY });
  await foyer.start();
  await until("the samples are there", async () => (await foyer.latest()).length > 0);
  const store = await openSceneStore(data, undefined);
  for (const { path, state, look } of isForReadme ? picturesOfReadme() : picturesOf(folder)) {
    await playScene(browser, foyer, store, async (scene) => {
      const console = await scene.openConsole({ key: null, ...look });
      await STATES[state](console, scene);
      await console.page.waitForTimeout(300);
      await console.page.screenshot({ path });
      console.problems.length = 0;
    });
  }
  await store.close();
});
console.log(isForReadme ? "The README's pictures are made" : `The pictures are in ${folder}`);
