/**
 * Temporary folders for tests.
 *
 * @module
 */
import { hasAllRights } from "./rights.ts";
import { checkThreads } from "./threads.ts";

/** A test, of those that need rights, in a folder that is gone after it. */
export function testInFolder(sentence: string, work: (folder: string) => Promise<void>) {
  if (hasAllRights) Deno.test(sentence, () => inFolder(work));
}

/**
 * Does some work in a folder that is gone after it.
 *
 * @param parent the folder in which it is made, the system's unless said
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
