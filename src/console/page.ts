/**
 * The HTML of the console's pages: nothing but what a browser needs to load them.
 *
 * @module
 */
import type { Assets } from "./assets.ts";

/**
 * What a page of the console may do: load Foyer's own scripts, styles and images, and ask Foyer. Nothing that is inline
 * runs, no text becomes markup, and no other page may frame it.
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

/** The headers of a page. */
export const PAGE_HEADERS = {
  "Content-Security-Policy": POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cache-Control": "no-cache",
  "Vary": "Accept-Encoding",
};

/** The console's page. */
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

/** The console's page where there is no REST API that it could ask. */
export function disabledPage(assets: Assets): string {
  return page(assets, [], [
    notice(
      "The REST API is disabled",
      "Set <code>REST_KEY</code>, such as <code>openssl rand -hex 32</code> prints, and start Foyer again. Agents sign " +
        "in here with that key.",
    ),
  ]);
}

/** @param text HTML */
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

/** Escapes text for HTML, also for use in attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
