/**
 * The console's favicons, each with the number of visitors who wait for a call. They are files, since the content
 * security policy forbids images made by a script.
 *
 * @module
 */

/** The highest number of waiting visitors with an icon of its own; `more.svg` is for more. */
export const MOST_SHOWN = 9;

/** The icons as SVG, by file name. */
export const ICONS: Record<string, string> = Object.fromEntries([
  ...Array.from({ length: MOST_SHOWN + 1 }, (_, i) => [`${i}.svg`, icon(i === 0 ? "" : `${i}`)]),
  ["more.svg", icon(`${MOST_SHOWN}+`)],
  // Shown while the list is not current.
  ["away.svg", icon("", "#8a8f98")],
]);

/** Draws an open door, and a number over it unless `number` is empty. */
function icon(number: string, colour = "#0f766e"): string {
  const badge = number === ""
    ? ""
    : `<rect x="${number.length > 1 ? 8 : 12}" y="10" width="${
      number.length > 1 ? 24 : 20
    }" height="22" rx="6" fill="#dc2626"/>` +
      `<text x="${
        number.length > 1 ? 20 : 22
      }" y="27" font-family="system-ui,sans-serif" font-size="17" font-weight="700" ` +
      `fill="#fff" text-anchor="middle">${number}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">` +
    `<rect width="32" height="32" rx="8" fill="${colour}"/>` +
    `<path d="M9 26V8.5A1.5 1.5 0 0 1 10.500 7H18v19z" fill="#fff"/><path d="M19.500 9.500H23V26h-3.500z" fill="#fff" opacity=".55"/>` +
    `<circle cx="15" cy="17" r="1.500" fill="${colour}"/>${badge}</svg>`;
}
