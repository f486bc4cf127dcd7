/**
 * Real browsers for tests: the one in `CHROMIUM`, otherwise a Chromium or Chrome on the PATH, otherwise Debian's, which
 * are installed at the first use.
 *
 * @module
 */
import { type Browser, type BrowserContext, chromium, type LaunchOptions } from "playwright-core";
import { attempt } from "./processes.ts";

/** Turns off the requests that a browser sends to its maker's servers. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Chromium without user interface code, which opens a web page in a third of the time. */
const SHELL = "chromium-headless-shell";

const BROWSERS = ["chromium", "chromium-browser", "google-chrome"];

/**
 * Starts a headless browser, which may lack optional features such as the back/forward cache.
 *
 * @throws {Error} no browser is installed and none can be; suites are never skipped
 */
export async function startBrowser(): Promise<Browser> {
  return await chromium.launch(await options([SHELL, ...BROWSERS]));
}

/** Starts a headless browser with all features. */
export async function startFullBrowser(): Promise<Browser> {
  return await chromium.launch(await options(BROWSERS));
}

/** Starts a headless browser with all features, and with its profile in a folder. */
export async function startFullBrowserIn(folder: string): Promise<BrowserContext> {
  return await chromium.launchPersistentContext(folder, await options(BROWSERS));
}

async function options(programs: string[]): Promise<LaunchOptions> {
  return {
    executablePath: Deno.env.get("CHROMIUM") || await findBrowser(programs),
    args: FLAGS,
    // Playwright turns the back/forward cache off.
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  };
}

/** The path of the first of some programs that is installed. */
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

/** Installs Debian's browsers. Other test files that need one meanwhile wait for apt's lock. */
function install() {
  const apt = "apt-get -qq -o DPkg::Lock::Timeout=300";
  return attempt(
    "sh",
    "-c",
    `export DEBIAN_FRONTEND=noninteractive; ${apt} update && ${apt} install -y chromium ${SHELL}`,
  );
}
