/**
 * Functions that wait until something happens.
 *
 * @module
 */

/** The longest wait, in milliseconds. Generous, since other work may occupy the machine; no test measures time. */
const DEADLINE = 60_000;

/** Options of a store for tests that are not about time: a busy machine may be slow. */
export const PATIENT = { deadline: DEADLINE };

/** The first and the longest pause between two checks, in milliseconds. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [5, 50];

/**
 * Waits until a function returns something.
 *
 * @returns the first result that is neither `undefined` nor `false`
 * @throws {Error} there was no such result within a minute
 */
export async function eventually<T>(
  look: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const end = performance.now() + DEADLINE;
  // With growing pauses, since checks slow down the work that they wait for.
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
 * @throws {Error} the condition did not hold within a minute
 */
export async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  await eventually(condition);
}
