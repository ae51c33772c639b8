// What is done with a conversation beside reading it on: printing, finding, copying; and what is seen while one waits.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createWorld, eventually, gate, noFaults, on } from "../support/world.js";

const world = createWorld();
const code = Array.from({ length: 112 }, (_, at) => `let line${at} = ${at};`).join("\n");
const ANSWER = `Some **bold** words, and a [page](https://example.org/path).\n\n\`\`\`js\n${code}\n\`\`\`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n`;

async function answered(answer = ANSWER) {
  world.upstream.answer = async (a) => {
    await a.reason("A thought.");
    await a.text(answer);
    await a.end();
  };
  const person = await world.server.person();
  const { conversation_id: id } = await person.ask("What is written?");
  return { person, id };
}

test("on paper: the conversation alone, in light inks, with all of its code and the addresses of its links", async () => {
  const { person, id } = await answered();
  const window = await world.window({ person, theme: "dark" });
  const page = await window.open(`/chat/${id}`);
  const p = on(page);
  await page.getByText("Show all 112 lines").waitFor();
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  const seen = (selector) => page.locator(selector).evaluateAll((all) => all.filter((each) => each.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: false })).length);
  for (const selector of [".sidebar", ".bar", ".dock", ".tools", ".rail", ".code header button", ".show-all", ".reasoning", ".skip"]) assert.equal(await seen(selector), 0, selector);
  assert.equal(await p.turn(0).locator(".question").isVisible(), true);
  const state = await page.evaluate(() => {
    const style = (selector, pseudo) => getComputedStyle(document.querySelector(selector), pseudo);
    const light = (colour) => Number(/oklch\(([\d.]+)/.exec(colour)?.[1] ?? /\d+/.exec(colour)[0] / 255);
    const turn = document.querySelector(".scroll");
    return {
      text: light(style(".answer").color), question: light(style(".question").color), link: style(".answer a", "::after").content, wrap: style(".code pre").whiteSpace,
      rest: document.querySelector(".code .rest").getBoundingClientRect().height, hidden: turn.scrollHeight - turn.clientHeight, kept: style(".question").breakAfter,
    };
  });
  assert.ok(state.text < 0.4 && state.question < 0.5, `dark ink on white: ${JSON.stringify(state)}`);
  assert.match(state.link, /https:\/\/example\.org\/path/);
  assert.equal(state.wrap, "pre-wrap");
  assert.ok(state.rest > 500, "folded code is printed");
  assert.equal(state.hidden, 0, "nothing is cut off");
  assert.equal(state.kept, "avoid", "a question stays with its answer");
  noFaults(window);
  await window.close();
});

test("the browser's own search finds what is far out of sight", async () => {
  const person = await world.server.person();
  const turns = Array.from({ length: 50 }, (_, at) => [{ role: "user", content: `Question ${at + 1}` }, { role: "assistant", content: at === 9 ? "Here is the needle." : `Answer ${at + 1}. ${"More words of it. ".repeat(30)}` }]);
  const { id } = await person.call("/import", { method: "POST", body: { messages: turns.flat() } });
  await eventually(async () => assert.equal((await person.call(`/import/${id}`)).status, "done"));
  const { conversations: [{ id: conversation }] } = await person.call("/conversations");
  const window = await world.window({ person });
  const page = await window.open(`/chat/${conversation}`);
  await on(page).turn(49).getByText("Question 50").first().waitFor();
  assert.equal(await page.evaluate(() => window.find("the needle")), true);
  const found = await page.evaluate(() => ({ words: getSelection().toString(), turn: getSelection().anchorNode.parentElement.closest("article").querySelector("h2").textContent }));
  assert.deepEqual(found, { words: "the needle", turn: "Turn 10: Question 10" });
  noFaults(window);
  await window.close();
});

test("a selection pastes cleanly: words and code, and nothing of the controls", async () => {
  const { person, id } = await answered("First words.\n\n```js\nlet x = 1;\nlet y = 2;\n```\n\nLast words.\n");
  const window = await world.window({ person, permissions: ["clipboard-read", "clipboard-write"] });
  const page = await window.open(`/chat/${id}`);
  await page.getByText("Last words.").waitFor();
  const text = await page.evaluate(async () => {
    getSelection().selectAllChildren(document.querySelector(".turn"));
    document.execCommand("copy");
    return navigator.clipboard.readText();
  });
  assert.match(text, /What is written\?\s+First words\.\s+let x = 1;\nlet y = 2;\s+Last words\./);
  assert.doesNotMatch(text, /Copy|Wrap|Thought|Retry|Turn 1|small-model|\bjs\b/);
  noFaults(window);
  await window.close();
});

test("one waits with words: after two seconds for whom, after twenty that the service is queueing", async () => {
  const open = gate();
  world.upstream.answer = async (a) => {
    await open.opened;
    await a.text("At last.");
    await a.end();
  };
  const window = await world.window();
  const page = await window.context.newPage();
  await page.clock.install();
  await page.goto("/");
  await page.locator("html[data-ready]").waitFor({ state: "attached" });
  const p = on(page);
  await p.ask("slow");
  await p.turn(0).waitFor();
  assert.equal(await page.getByText(/Waiting for/).count(), 0, "not at once");
  await page.clock.fastForward(3000);
  await p.turn(0).getByText(/^Waiting for small-model, \d s$/).waitFor();
  await page.clock.fastForward(20_000);
  await p.turn(0).getByText("The service is queueing.").waitFor();
  open.open();
  await p.turn(0).getByText("At last.").waitFor();
  noFaults(window);
  await window.close();
});

test("a slow conversation shows that it is coming, and a quick one nothing in between", async () => {
  const { person, id } = await answered("Here it is.");
  const window = await world.window({ person });
  const page = await window.open("/");
  const coming = gate();
  await page.evaluate(() => {
    window.skeletons = 0;
    new MutationObserver(() => document.querySelector(".conversation.skeleton") && window.skeletons++).observe(document.querySelector("#chat .scroll"), { childList: true });
  });
  await page.route(/conversations\/\d+/, async (route) => {
    await coming.opened;
    await route.continue();
  });
  await on(page).list.getByRole("link", { name: "What is written?" }).click();
  await page.locator(".conversation.skeleton").waitFor();
  coming.open();
  await page.getByText("Here it is.").waitFor();
  assert.equal(await page.locator(".conversation.skeleton").count(), 0);
  assert.equal(await page.evaluate(() => window.skeletons), 1);
  assert.ok(page.url().endsWith(`/chat/${id}`));
  noFaults(window);
  await window.close();
});

test("what is typed before the page is ready is not lost", async () => {
  const window = await world.window();
  const page = await window.context.newPage();
  const ready = gate();
  await page.route(/app\.js/, async (route) => {
    await ready.opened;
    await route.continue();
  });
  await page.goto("/", { waitUntil: "commit" });
  await page.locator("#message").pressSequentially("typed at once");
  ready.open();
  await page.locator("html[data-ready]").waitFor({ state: "attached" });
  assert.equal(await on(page).message.inputValue(), "typed at once");
  await page.reload();
  await page.locator("html[data-ready]").waitFor({ state: "attached" });
  assert.equal(await on(page).message.inputValue(), "typed at once");
  noFaults(window);
  await window.close();
});

test("without a line Send says that it sends when back, and Esc leads to the box", async () => {
  const window = await world.window({ hasLine: true });
  const page = await window.open("/");
  const p = on(page);
  await p.message.fill("later");
  await page.getByRole("searchbox", { name: "Search" }).focus();
  await page.keyboard.press("Escape");
  await page.locator("body").click({ position: { x: 700, y: 300 } });
  await page.keyboard.press("Escape");
  assert.ok(await p.message.evaluate((field) => field === document.activeElement));
  window.line.cut();
  await page.evaluate(() => fetch("/api/health").catch(() => dispatchEvent(new Event("offline"))));
  await eventually(async () => assert.equal(await p.send.getAttribute("title"), "Sends when back"));
  window.line.mend();
  await eventually(async () => assert.equal(await p.send.getAttribute("title"), "Send"), 15_000);
  noFaults(window);
  await window.close();
});
