/**
 * A real browser for tests: the one that `CHROMIUM` names, else a Chromium or Chrome on the PATH, else Debian's, which
 * is installed the first time.
 *
 * @module
 */
import { type Browser, type BrowserContext, chromium, type LaunchOptions } from "playwright-core";
import { attempt } from "./processes.ts";

/** Without what a browser does by itself: ask its maker's servers for this and that. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * A browser without a window.
 *
 * @throws where there is none and none can be had: a suite is never skipped
 */
export async function startBrowser(): Promise<Browser> {
  return await chromium.launch(await options());
}

/** A browser without a window, whose profile is in a folder. */
export async function startBrowserIn(folder: string): Promise<BrowserContext> {
  return await chromium.launchPersistentContext(folder, await options());
}

async function options(): Promise<LaunchOptions> {
  return {
    executablePath: await findBrowser(),
    args: FLAGS,
    // Pages go there as they do for people.
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  };
}

async function findBrowser(): Promise<string> {
  const given = Deno.env.get("CHROMIUM");
  if (given) return given;
  const onPath = async () => {
    const { ok, text } = await attempt(
      "sh",
      "-c",
      "command -v chromium || command -v chromium-browser || command -v google-chrome",
    );
    return ok ? text.trim() : null;
  };
  const found = await onPath();
  if (found !== null) return found;
  let cause = "";
  if (Deno.uid() === 0) {
    // So that it asks nothing.
    const install =
      "export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && apt-get install -y -qq chromium";
    const { ok, text } = await attempt("sh", "-c", install);
    const installed = ok ? await onPath() : null;
    if (installed !== null) return installed;
    cause = text;
  }
  throw new Error(
    "No browser for the tests. Set CHROMIUM to the path of a Chromium or Chrome, or put one on the PATH.",
    { cause },
  );
}
