/**
 * The documentation of the REST API, a page for integrators. It holds nothing that is secret: whoever reads it needs a
 * key to try what it describes.
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
 * Answers with the documentation. The page is made when first asked for, and only then is the code loaded that makes
 * it.
 */
export function docsPage(config: Config, assets: Assets): Answer {
  let page: Promise<Representation> | undefined;
  const makePage = async () => {
    assets.prepare();
    return new Representation(await (await import("./page.ts")).makePage(config, assets));
  };
  return async (context) => await send(context, await (page ??= makePage()), KIND);
}
