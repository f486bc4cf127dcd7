/**
 * Makes scripts smaller for browsers.
 *
 * @module
 */

/**
 * Removes comments and indentation from a script. It works line by line: a comment must
 * have lines of its own, except for `@type` and the like, and no line of a string may look like a comment.
 */
export function withoutComments(script: string): string {
  return script.replace(/\/\*\* @(?:[^*]|\*(?!\/))*\*\/ ?/g, "").replace(
    /^\s*(?:\/\*(?:[^*]|\*(?!\/))*\*\/|\/\/.*)$/gm,
    "",
  ).replace(/^\s+/gm, "");
}
