/**
 * The documentation of the REST API, a web page for integrators. It needs no key, since it contains no secrets; trying
 * a request needs one.
 *
 * @module
 */
import type { Config } from "../config.ts";
import type { Assets } from "../console/assets.ts";
import { PAGE_HEADERS } from "../console/page.ts";
import type { Answer } from "../http/answer.ts";
import { Representation, send } from "../http/representation.ts";

const KIND = { type: "text/html; charset=utf-8", headers: PAGE_HEADERS, gzipLevel: 9 };

/**
 * Serves the documentation. The code that makes the web page is loaded at the first request, which also makes the page.
 */
export function docsPage(config: Config, assets: Assets): Answer {
  let page: Promise<Representation> | undefined;
  const makePage = async () => {
    assets.prepare();
    return new Representation(await (await import("./page.ts")).makePage(config, assets));
  };
  return async (context) => await send(context, await (page ??= makePage()), KIND);
}
