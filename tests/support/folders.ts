/**
 * Temporary folders for tests.
 *
 * @module
 */
import { hasAllRights } from "./rights.ts";
import { checkThreads } from "./threads.ts";

/** Registers a test that runs in a temporary folder, if the tests have the rights for it. */
export function testInFolder(sentence: string, work: (folder: string) => Promise<void>) {
  if (hasAllRights) Deno.test(sentence, () => inFolder(work));
}

/**
 * Runs a function with a temporary folder, which is removed afterwards.
 *
 * @param parent the folder in which the temporary folder is made; the system's by default
 */
export async function inFolder(work: (folder: string) => Promise<void>, parent?: string) {
  await checkThreads();
  const folder = await Deno.makeTempDir({ dir: parent, prefix: "foyer-test-" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
