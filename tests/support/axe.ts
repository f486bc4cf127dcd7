/**
 * Checks of web pages: their accessibility, and violations of their own content security policy.
 *
 * @module
 */
import assert from "node:assert/strict";
import axe from "axe-core";
import type { BrowserContext, Page } from "playwright-core";

/**
 * Asserts that axe (https://github.com/dequelabs/axe-core) finds no violation of WCAG 2.2 AA or of its best practices.
 *
 * @param state names what the page shows, for the assertion's message
 */
export async function assertAccessible(page: Page, state: string) {
  // The page's policy does not apply to scripts that the debugger evaluates.
  await page.evaluate(axe.source);
  const found = await page.evaluate(`axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    resultTypes: ["violations"],
  }).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => id + ": " + html + "\\n" + failureSummary)))`);
  assert.deepEqual(found, [], state);
}

/**
 * Like {@link assertAccessible}, in the light and the dark colour scheme. Leaves the page in the dark one.
 */
export async function assertAccessibleInBothSchemes(page: Page, state: string) {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await assertAccessible(page, `${state}, ${colorScheme}`);
  }
}

/**
 * Collects the policy violations, warnings and errors of a context's web pages.
 *
 * @returns a list to which problems are added as they occur
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
