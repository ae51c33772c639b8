// axe, for every view that a story opens.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Until nothing fades in or out any more: what is half gone has no contrast to speak of. A caret blinks for ever. */
const settled = (page) => page.waitForFunction(() => document.getAnimations().every((each) => each.playState !== "running" || each.effect.getComputedTiming().iterations === Infinity));

/** What axe finds on a page: a list of sentences. The policy forbids its script on the page, so it runs beside it. */
export async function check(page, view) {
  await settled(page);
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  return found.violations.flatMap((violation) => violation.nodes.map((node) => `${view}: ${violation.id} ${node.target} ${node.html.slice(0, 120)}`));
}
