// What a long answer costs: the longest task while it is written and one types.

import assert from "node:assert/strict";
import { test } from "node:test";
import { watchTasks, within } from "../support/tasks.js";
import { createWorld, noFaults, on } from "../support/world.js";

const world = createWorld();
const told = (words) => process.env.FIGURES && console.log(`FIGURE ${words}`);

const C27 = {
  "an open fence": `\`\`\`html\n${"<div>0123456789 and some more of it</div>\n".repeat(12_000)}`,
  prose: "A paragraph of **some** words, with `code` and more words, that ends here at last.\n\n".repeat(6_000),
  "one line": "words without any line end at all, ".repeat(14_500),
  "a table": `| a | b | c |\n|---|---:|---|\n${Array.from({ length: 11_000 }, (_, row) => `| row ${row} | ${row * 7} | some *more* words here |\n`).join("")}`,
  "a list": Array.from({ length: 9_000 }, (_, item) => `- item ${item} with **some** words, and a few more of them\n`).join(""),
};

/** What the page has when all of it is there. */
const WHOLE = { "an open fence": [".code", 1], prose: ["> p:not(.tail)", 6_000], "one line": ["> p:not(.tail)", 1], "a table": ["tbody tr", 11_000], "a list": ["li", 9_000] };

test("C27: an answer of 500 KB, whatever it is made of: no task over 100 ms", async (all) => {
  for (const [name, text] of Object.entries(C27)) await all.test(name, async (t) => {
    world.upstream.answer = async (a) => {
      // As fast as a model ever is, in large pieces: what counts is what has come already.
      for (let at = 0; at < text.length && a.isOpen; at += 4000) {
        await a.text(text.slice(at, at + 4000));
        await a.wait(8);
      }
      await a.end();
    };
    const window = await world.window();
    const page = await window.open("/");
    const p = on(page);
    const longest = await watchTasks(world.chromium.browser, page);
    await p.ask(name);
    await p.turn(0).locator(".answer").waitFor();
    await page.waitForTimeout(300);
    // Typing goes on meanwhile.
    const started = Date.now();
    await p.message.pressSequentially("typing while it is written", { delay: 10 });
    const typing = Date.now() - started;
    // To look for roles and names in so large a page is a long task of its own, and to count is none.
    const wanted = WHOLE[name];
    const isThere = ([selector, count]) => document.querySelector(".turn .edit:not([hidden])") && document.querySelectorAll(`.answer ${selector}`).length >= count;
    await page.waitForFunction(isThere, wanted, { timeout: 60_000, polling: 200 });
    const task = await longest();
    told(`500 KB, ${name}: 26 letters typed in ${typing} ms`);
    within(t, `500 KB, ${name}`, task);
    assert.equal(await page.locator(`.answer ${wanted[0]}`).count(), wanted[1]);
    const shown = await page.locator(".answer").evaluate((answer) => answer.textContent.length);
    assert.ok(shown > text.length * 0.75, `${shown} letters of ${text.length}`);
    noFaults(window);
    await window.close();
  });
});
