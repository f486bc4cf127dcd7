/**
 * Waiting for what should happen soon.
 *
 * @module
 */

/** How long it may take, in milliseconds: other work may have the machine, and nothing here measures time. */
const DEADLINE = 60_000;

/** How long after the first look the second one comes, and the longest pause between two looks, in milliseconds. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [5, 50];

/**
 * Waits until a look finds something.
 *
 * @returns what it found: neither `undefined` nor `false`
 * @throws {Error} nothing was found within a minute
 */
export async function eventually<T>(
  look: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const end = performance.now() + DEADLINE;
  // Less and less often, since looks take the time of what they wait for.
  for (let pause = FIRST_PAUSE; performance.now() < end; pause = Math.min(1.5 * pause, LONGEST_PAUSE)) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  throw new Error(`It did not happen within ${DEADLINE / 1000} seconds: ${look}`);
}

/**
 * Waits until a condition holds.
 *
 * @throws {Error} it did not within a minute
 */
export async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  await eventually(condition);
}
