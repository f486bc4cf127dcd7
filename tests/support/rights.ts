/**
 * Whether the tests have all permissions (`deno test -A`). Plain `deno test` runs only tests that need none.
 *
 * @module
 */

const RIGHTS = ["run", "net", "read", "write", "env", "sys"] as const;

/** Whether tests may start processes, listen, and read and write files. */
export const hasAllRights = RIGHTS.every((name) => Deno.permissions.querySync({ name }).state === "granted");
