/**
 * What a page does wrong: for people who cannot see it or use a mouse, and against its own policy.
 *
 * @module
 */
import assert from "node:assert/strict";
import axe from "axe-core";
import type { BrowserContext, Page } from "playwright-core";

/**
 * Fails where axe (https://github.com/dequelabs/axe-core) finds something that WCAG 2.2 AA does not allow, or its best
 * practices.
 *
 * @param state what the page shows, for the message
 */
export async function assertAccessible(page: Page, state: string) {
  // The debugger's evaluation is not subject to the page's policy.
  await page.evaluate(axe.source);
  const found = await page.evaluate(`axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    resultTypes: ["violations"],
  }).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => id + ": " + html + "\\n" + failureSummary)))`);
  assert.deepEqual(found, [], state);
}

/**
 * As {@link assertAccessible}, in the light colours and in the dark ones, which the page is left in.
 */
export async function assertAccessibleInBothSchemes(page: Page, state: string) {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await assertAccessible(page, `${state}, ${colorScheme}`);
  }
}

/**
 * Collects what the policies of a context's pages refuse, and the errors of their scripts.
 *
 * @returns receives them as they come
 */
export async function collectProblems(context: BrowserContext): Promise<string[]> {
  const problems: string[] = [];
  await context.exposeFunction("noteViolation", (text: string) => problems.push(text));
  await context.addInitScript(
    `addEventListener("securitypolicyviolation", (event) =>
      noteViolation("policy: " + event.effectiveDirective + " " + event.blockedURI + " " + event.sample))`,
  );
  context.on("weberror", (error) => problems.push(String(error.error())));
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  return problems;
}
