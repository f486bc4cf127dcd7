/**
 * Foyer's logo and the console's symbols, as SVG in the colour of the surrounding text.
 *
 * @module
 */
import { html } from "./html.js";

/** The logo: an open door. */
export function Mark() {
  return html`
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" class="mark-ground" />
      <path class="mark-door" d="M9 26V8.500A1.500 1.500 0 0 1 10.500 7H18v19z" />
      <path class="mark-light" d="M19.500 9.500H23V26h-3.500z" />
      <circle class="mark-ground" cx="15" cy="17" r="1.500" />
    </svg>
  `;
}

/** The SVG paths of each symbol, in a square of 24 × 24. */
const SYMBOLS = {
  search: "M10.500 4a6.500 6.500 0 1 1 0 13a6.500 6.500 0 0 1 0-13M15.500 15.500L20 20",
  sound: "M4 9.500v5h3.500L12 18.500v-13L7.500 9.500zM15.500 9a4 4 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11",
  mute: "M4 9.500v5h3.500L12 18.500v-13L7.500 9.500zM16 9.500l5 5M21 9.500l-5 5",
  notice: "M6 16.500V11a6 6 0 0 1 12 0v5.500l1.500 1.500h-15zM10 20.500h4",
  noticeOff: "M6 16.500V11a6 6 0 0 1 9.500-4.900M18 11v5.500l1.500 1.500h-15zM10 20.500h4M4 4l16 16",
  columns: "M4 5h16v14H4zM9.300 5v14M14.700 5v14",
  rows: "M4 6h16M4 12h16M4 18h16",
  code: "M9 4L7 20M17 4l-2 16M4 9h16.500M3.500 15H20",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  done: "M5 12.500l4.500 4.500L19 7.500",
  watch:
    "M2.500 12S6 5.500 12 5.500S21.500 12 21.500 12S18 18.500 12 18.500S2.500 12 2.500 12M12 9a3 3 0 1 1 0 6a3 3 0 0 1 0-6",
  hand: "M12 12.500a4 4 0 1 0 0-8a4 4 0 0 0 0 8M4.500 20.500a7.500 7.500 0 0 1 15 0",
  up: "M12 19V5M6 11l6-6l6 6",
  down: "M12 5v14M6 13l6 6l6-6",
  help:
    "M9 9.200a3 3 0 1 1 4.500 2.600c-1 .6-1.500 1.200-1.500 2.400M12 17.600v.1M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18",
  out: "M14 4h5v16h-5M3.500 12H14M10 8l4 4l-4 4",
  link: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  bin: "M4 7h16M9.500 7V4h5v3M6.500 7l1 13h9l1-13",
  phone:
    "M6 3.500h3.500l1.500 5l-2.200 1.600a11 11 0 0 0 5.100 5.100l1.600-2.200l5 1.500V18a2.500 2.500 0 0 1-2.700 2.500A15.500 15.500 0 0 1 3.500 6.200A2.500 2.500 0 0 1 6 3.500",
};

/** @param {{ name: keyof typeof SYMBOLS }} props */
export function Symbol({ name }) {
  return html`
    <svg class="symbol" viewBox="0 0 24 24" aria-hidden="true">
      <path d=${SYMBOLS[name]} />
    </svg>
  `;
}
