/**
 * Times and durations in words.
 *
 * @module
 */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * A waiting time to the second: `0:07`, `12:30`, `1:02:30`.
 *
 * @param {number} ms
 */
export function waitText(ms) {
  const seconds = Math.max(0, Math.floor(ms / SECOND));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (parts[0] === 0) parts.shift();
  return parts.map((part, i) => i === 0 ? `${part}` : `${part}`.padStart(2, "0")).join(":");
}

/**
 * A duration in one or two units: `12 s`, `4 min`, `2 h 5 min`, `3 d`.
 *
 * @param {number} ms
 */
export function durationText(ms) {
  if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / SECOND))} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) {
    const minutes = Math.floor(ms / MINUTE) % 60;
    return `${Math.floor(ms / HOUR)} h${minutes === 0 ? "" : ` ${minutes} min`}`;
  }
  return `${Math.floor(ms / DAY)} d`;
}

/**
 * The urgency of a waiting time: amber from two minutes, red from five.
 *
 * @param {number} ms
 * @returns {"fresh" | "amber" | "red"}
 */
export function urgencyOf(ms) {
  return ms < 2 * MINUTE ? "fresh" : ms < 5 * MINUTE ? "amber" : "red";
}

/**
 * The time of day in the format of the agent's language: `10:42`.
 *
 * @param {number} time in milliseconds
 */
export function clockText(time) {
  return new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

/**
 * A date with its time in the format of the agent's language.
 *
 * @param {string} iso an ISO 8601 time
 * @returns {string} the argument itself if it is not a time
 */
export function dateText(iso) {
  const date = new Date(iso);
  return Number.isNaN(date.getTime())
    ? iso
    : date.toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });
}
