/**
 * Scripts as browsers receive them.
 *
 * @module
 */

/**
 * A script without comments and indentation, a third of its bytes. No line of it may be a comment in part, but for types such
 * as `@type`, or be one in a text.
 */
export function withoutComments(script: string): string {
  return script.replace(/\/\*\* @(?:[^*]|\*(?!\/))*\*\/ ?/g, "").replace(
    /^\s*(?:\/\*(?:[^*]|\*(?!\/))*\*\/|\/\/.*)$/gm,
    "",
  ).replace(/^\s+/gm, "");
}
