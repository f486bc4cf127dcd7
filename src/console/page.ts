/**
 * The HTML of the console's web pages, which only loads the scripts and styles.
 *
 * @module
 */
import type { Assets } from "./assets.ts";

/**
 * The content security policy of the console's web pages. They may load Foyer's own scripts, styles and images, and
 * send requests to Foyer. Inline scripts and styles are blocked, scripts cannot turn text into markup, and no site may
 * frame the pages.
 */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "trusted-types 'none'",
  "require-trusted-types-for 'script'",
  "frame-ancestors 'none'",
].join("; ");

/** The HTTP headers of a web page. */
export const PAGE_HEADERS = {
  "Content-Security-Policy": POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cache-Control": "no-cache",
  "Vary": "Accept-Encoding",
};

/** The HTML of the console. */
export function consolePage(assets: Assets, mode: "full" | "code"): string {
  return page(assets, [
    `<script type="module" src="${escapeHtml(assets.urlOf("client/console.js"))}"></script>`,
  ], [
    `<div id="console" data-mode="${mode}"></div>`,
    `<noscript>${
      notice("The console needs JavaScript", "Allow it for this page, then load it again.")
    }</noscript>`,
  ]);
}

/** The HTML that is shown instead of the console if the REST API is disabled. */
export function disabledPage(assets: Assets): string {
  return page(assets, [], [
    notice(
      "The REST API is disabled",
      "Set <code>REST_KEY</code>, such as <code>openssl rand -hex 32</code> prints, and start Foyer again. Agents sign " +
        "in here with that key.",
    ),
  ]);
}

/** The body of a web page with only a title and a text. `text` is HTML, and not escaped. */
function notice(title: string, text: string): string {
  return `<main class="notice"><h1>${title}</h1><p>${text}</p></main>`;
}

function page(assets: Assets, head: string[], body: string[]): string {
  const url = (name: string) => escapeHtml(assets.urlOf(name));
  return [
    "<!doctype html>",
    `<html lang="en">`,
    `<meta charset="utf-8">`,
    `<meta name="viewport" content="width=device-width, initial-scale=1">`,
    `<meta name="color-scheme" content="light dark">`,
    `<meta name="robots" content="noindex">`,
    "<title>Foyer</title>",
    `<link rel="icon" id="icon" type="image/svg+xml" href="${url("icons/0.svg")}">`,
    ...["tokens", "console", "table", "visitor"]
      .map((name) => `<link rel="stylesheet" href="${url(`style/${name}.css`)}">`),
    ...head,
    "<body>",
    ...body,
    "",
  ].join("\n");
}

/** Escapes text for HTML, also for attribute values. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
