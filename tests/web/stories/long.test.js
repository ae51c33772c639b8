// What a long answer costs: the longest task while it is written and one types, and while it is opened.

import assert from "node:assert/strict";
import { test } from "node:test";
import { watchTasks, within } from "../support/tasks.js";
import { createWorld, eventually, noFaults, on } from "../support/world.js";

const world = createWorld();
const scroller = "#chat .scroll";
const told = (words) => process.env.FIGURES && console.log(`FIGURE ${words}`);

const C27 = {
  "an open fence": `\`\`\`html\n${"<div>0123456789 and some more of it</div>\n".repeat(12_000)}`,
  prose: "A paragraph of **some** words, with `code` and more words, that ends here at last.\n\n".repeat(6_000),
  "one line": "words without any line end at all, ".repeat(14_500),
  "a table": `| a | b | c |\n|---|---:|---|\n${Array.from({ length: 11_000 }, (_, row) => `| row ${row} | ${row * 7} | some *more* words here |\n`).join("")}`,
  "a list": Array.from({ length: 9_000 }, (_, item) => `- item ${item} with **some** words, and a few more of them\n`).join(""),
  "a list in an item": `- all of them:\n${Array.from({ length: 8_000 }, (_, item) => `  - item ${item} with **some** words, and a few more of them\n`).join("")}`,
};

/** What the page has when all of it is there. */
const WHOLE = {
  "an open fence": [".code", 1], prose: ["> p:not(.tail)", 6_000], "one line": ["> p:not(.tail)", 1], "a table": ["tbody tr", 11_000], "a list": ["li", 9_000],
  "a list in an item": ["li li", 8_000],
};

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

/** A person with one stored conversation: what it is called, and its answers. */
async function withStored(title, ...answers) {
  const person = await world.server.person();
  const messages = answers.flatMap((content, at) => [{ role: "user", content: at === 0 ? title : "and more" }, { role: "assistant", content }]);
  const { id } = await person.call("/import", { method: "POST", body: { messages } });
  await eventually(async () => assert.equal((await person.call(`/import/${id}`)).status, "done"), 30_000);
  const { conversations } = await person.call("/conversations");
  return { person, path: `/chat/${conversations[0].id}` };
}

test("C27: a stored answer of 500 KB, whatever it is made of: no task over 100 ms to open it", async (all) => {
  for (const [name, text] of Object.entries(C27)) await all.test(name, async (t) => {
    const { person } = await withStored(name, `${text}\n`);
    const window = await world.window({ person });
    const page = await window.open("/");
    const longest = await watchTasks(world.chromium.browser, page);
    const started = Date.now();
    await on(page).list.getByRole("link", { name }).click();
    const wanted = WHOLE[name];
    const isThere = ([selector, count]) => document.querySelectorAll(`.answer ${selector}`).length >= count;
    await page.waitForFunction(isThere, wanted, { timeout: 60_000, polling: 100 });
    told(`500 KB, ${name}, stored: there after ${Date.now() - started} ms`);
    await page.waitForTimeout(300);
    const task = await longest();
    assert.equal(await page.locator(`.answer ${wanted[0]}`).count(), wanted[1]);
    within(t, `500 KB, ${name}, stored`, task);
    noFaults(window);
    await window.close();
  });
});

test("C27: scrolling to an answer of 500 KB that others follow: no task over 100 ms, and a pointer that comes touches its tools alone", async (t) => {
  const { person, path } = await withStored("a table", C27["a table"], "words ".repeat(3000));
  const window = await world.window({ person });
  const page = await window.open(path);
  await page.waitForFunction(() => document.querySelectorAll(".answer tbody tr").length === 11_000 && !document.querySelector("[data-coming]"), null, { timeout: 60_000 });
  const longest = await watchTasks(world.chromium.browser, page);
  await page.locator(scroller).hover();
  for (let step = 0; step < 20; step++) {
    await page.mouse.wheel(0, -400);
    await page.waitForTimeout(16);
  }
  await eventually(async () => assert.ok(await page.evaluate(() => document.querySelector(".turn").matches(":hover"))));
  await page.waitForTimeout(300);
  const task = await longest();
  within(t, "500 KB, a table above, scrolled to", task);
  assert.ok(task.styled > 0 && task.styled < 5000, `the style of ${task.styled} elements at once`);
  noFaults(window);
  await window.close();
});

const each = (count, line) => Array.from({ length: count }, (_, at) => line(at)).join("");
const MIXED = [
  "First words.", `| a | b |\n|---|---:|\n${each(1500, (at) => `| row ${at} | *${at * 7}* |\n`)}`, `- all:\n${each(900, (at) => `  - item ${at}\n`)}\n  and more\n\n- [x] done`,
  `> 1. one\n>\n>    \`\`\`js\n>    let x;\n>    \`\`\`\n> 2. two\n>\n${each(400, (at) => `> words ${at}\n>\n> - - # head\n>   tail *${at}*\n>\n`)}> | c |\n> |---|\n${each(700, (at) => `> | ${at} |\n`)}`, "Last words.",
].join("\n\n");

/** The elements of an answer, less what the page puts in for its own ends. */
const structure = (answer) => {
  const copy = answer.cloneNode(true);
  for (const added of copy.querySelectorAll(".code > header, colgroup")) added.remove();
  for (const node of copy.querySelectorAll("*")) for (const name of ["data-long", "style", "aria-label"]) node.removeAttribute(name);
  for (const table of copy.querySelectorAll(".table > table + table")) table.parentElement.querySelector("tbody").append(...table.querySelectorAll("tr")), table.remove();
  return [...copy.children].map((block) => block.outerHTML.replaceAll(/(?=<(li|tr|p|h3)\b)/g, "\n")).join("\n").split("\n");
};

test("what comes part by part is what the server rendered, while it grows and when it was stored", async () => {
  world.upstream.answer = async (a) => {
    await a.pieces(MIXED, 3000, 4);
    await a.end();
  };
  const window = await world.window();
  const page = await window.open("/");
  await on(page).ask("all of it");
  await page.locator(".answer > p", { hasText: "Last words." }).waitFor({ timeout: 30_000 });
  await on(page).send.waitFor();
  const grown = await page.locator(".answer").first().evaluate(structure);
  const { turns: [{ response_html: html }] } = await window.person.call(`/conversations/${page.url().split("/").at(-1)}?render=html`);
  // Read anew behind another question, it is the same answer: nothing of it comes again.
  world.upstream.answer = world.upstream.usual;
  await on(page).chat("and more");
  const first = await page.locator(".answer > p").first().elementHandle();
  const read = page.waitForResponse(/conversations\/\d+\?render/);
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await (await read).finished();
  await page.waitForTimeout(200);
  assert.ok(await first.evaluate((node) => node.isConnected));
  await page.reload();
  await page.locator(".answer > p", { hasText: "Last words." }).waitFor();
  const stored = await page.locator(".answer").first().evaluate(structure);
  const blank = await window.context.newPage();
  await blank.setContent(`<div class="answer">${html}</div>`);
  const rendered = await blank.locator(".answer").evaluate(structure);
  assert.ok(rendered.length > 4000);
  assert.deepEqual(stored, rendered);
  assert.deepEqual(grown, rendered);
  noFaults(window);
  await window.close();
});

test("a stored answer that comes part by part moves nothing: where one was reading is where one reads on", async () => {
  const { person, path } = await withStored("a table", C27["a table"]);
  const window = await world.window({ person });
  const page = await window.open(path);
  const isWhole = () => page.waitForFunction(() => document.querySelector(".answer")?.childElementCount > 0 && !document.querySelector("[data-coming]"), null, { timeout: 60_000 });
  const top = () => page.locator(scroller).evaluate((element) => element.scrollTop);
  await isWhole();
  // Found like anything else that stands there.
  assert.equal(await page.evaluate(() => window.find("row 7000")), true);
  await page.evaluate(() => getSelection().anchorNode.parentElement.scrollIntoView({ block: "center" }));
  const was = await top();
  assert.ok(was > 100_000, `${was}`);
  await page.waitForTimeout(400);
  await page.addInitScript(() => {
    const tops = window.tops = [];
    const look = () => {
      const element = document.querySelector("#chat .scroll");
      if (element?.querySelector(".turn")) tops.push(element.scrollTop);
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  await page.reload();
  await isWhole();
  await page.waitForTimeout(300);
  const tops = await page.evaluate(() => window.tops);
  assert.ok(tops.every((each) => Math.abs(each - was) <= 2), `at ${was}, then ${[...new Set(tops)]}`);
  // That another turn becomes the last one is nothing to its cells.
  world.upstream.answer = world.upstream.usual;
  const longest = await watchTasks(world.chromium.browser, page);
  await on(page).chat("and more");
  const { styled } = await longest();
  assert.ok(styled > 0 && styled < 5000, `the style of ${styled} elements at once`);
  noFaults(window);
  await window.close();
});
