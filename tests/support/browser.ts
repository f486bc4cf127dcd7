/**
 * Real browsers for tests: the one that `CHROMIUM` names, else a Chromium or Chrome on the PATH, else Debian's, which
 * are installed the first time.
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

/** Chromium without its own windows and menus: it takes a third of the time to open a page. */
const SHELL = "chromium-headless-shell";

const BROWSERS = ["chromium", "chromium-browser", "google-chrome"];

/**
 * A browser without a window. It may lack what pages do not need to work: a back/forward cache, for one.
 *
 * @throws where there is none and none can be had: a suite is never skipped
 */
export async function startBrowser(): Promise<Browser> {
  return await chromium.launch(await options([SHELL, ...BROWSERS]));
}

/** A browser without a window that has all that people's browsers have. */
export async function startFullBrowser(): Promise<Browser> {
  return await chromium.launch(await options(BROWSERS));
}

/** A browser as people have, without a window, whose profile is in a folder. */
export async function startFullBrowserIn(folder: string): Promise<BrowserContext> {
  return await chromium.launchPersistentContext(folder, await options(BROWSERS));
}

async function options(programs: string[]): Promise<LaunchOptions> {
  return {
    executablePath: Deno.env.get("CHROMIUM") || await findBrowser(programs),
    args: FLAGS,
    // Pages go there as they do for people.
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  };
}

/** The path of the first of these programs that is there. */
async function findBrowser(programs: string[]): Promise<string> {
  const onPath = async () => {
    const looks = programs.map((program) => `command -v ${program}`).join(" || ");
    const { ok, text } = await attempt("sh", "-c", looks);
    return ok ? text.trim() : null;
  };
  const found = await onPath();
  if (found !== null) return found;
  let cause = "";
  if (Deno.uid() === 0) {
    const { ok, text } = await install();
    const installed = ok ? await onPath() : null;
    if (installed !== null) return installed;
    cause = text;
  }
  throw new Error(
    "No browser for the tests. Set CHROMIUM to the path of a Chromium or Chrome, or put one on the PATH.",
    { cause },
  );
}

/** Installs Debian's browsers, without asking anything. Files of tests that need one meanwhile wait for apt's lock. */
function install() {
  const apt = "apt-get -qq -o DPkg::Lock::Timeout=300";
  return attempt(
    "sh",
    "-c",
    `export DEBIAN_FRONTEND=noninteractive; ${apt} update && ${apt} install -y chromium ${SHELL}`,
  );
}
