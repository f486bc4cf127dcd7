/**
 * The agents' web page.
 *
 * @module
 */
import type { Config } from "../config.ts";
import { type Answer, answer } from "../http/answer.ts";
import { Representation, send } from "../http/representation.ts";
import type { Assets } from "./assets.ts";
import { consolePage, disabledPage, PAGE_HEADERS } from "./page.ts";

/** The handlers of the console's URLs; `null` if the console is turned off. */
export function consoleHandlers(
  { console: mode, restKey }: Config,
  assets: Assets,
): Record<"console" | "consoleRedirect", Answer | null> {
  if (mode === null) return { console: null, consoleRedirect: null };
  let page: Representation | null = null;
  const makePage = () => {
    assets.prepare();
    return new Representation(restKey === "" ? disabledPage(assets) : consolePage(assets, mode));
  };
  const kind = { type: "text/html; charset=utf-8", headers: PAGE_HEADERS, gzipLevel: 9 };
  return {
    console: (context) => send(context, page ??= makePage(), kind),
    consoleRedirect: (context) => answer(context, 302, null, { Location: assets.pathTo("/") }),
  };
}
