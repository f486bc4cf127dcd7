/**
 * `/visitors/{short_id}/pages`: the last web pages of a visitor.
 *
 * @module
 */
import type { Config } from "../config.ts";
import { type Answer, answerJson } from "../http/answer.ts";
import { visitorNotFound } from "../http/errors.ts";
import type { SharedReads } from "../store/shared_reads.ts";
import { firstOf } from "./parameters.ts";

/** Answers with the last web pages of a visitor, the newest first; with none if they are not stored or are hidden. */
export function getPages(reads: SharedReads, { storesPages, hiddenAttributes }: Config): Answer {
  const isShown = storesPages && !hiddenAttributes.has("last_url");
  return async (context) => {
    const pages = await firstOf(context, (shortId) => reads.pagesOf(shortId));
    if (pages === null) throw visitorNotFound();
    return answerJson(context, { status: "ok", pages: isShown ? pages.toReversed() : [] });
  };
}
