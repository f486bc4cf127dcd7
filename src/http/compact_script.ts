/**
 * Scripts as browsers receive them.
 *
 * @module
 */

/** A script without comments and indentation, a third of its bytes; no line of it is a comment in part, or in a text. */
export function withoutComments(script: string): string {
  return script.replace(/^\s*(?:\/\*(?:[^*]|\*(?!\/))*\*\/|\/\/.*)$/gm, "").replace(/^\s+/gm, "");
}
