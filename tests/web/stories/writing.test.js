// The box in which one writes: keys, input methods, drafts, limits, starters.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createWorld, eventually, noFaults, on } from "../support/world.js";

const world = createWorld({ settings: { CHAT__MAX_MESSAGE_CHARS: "1000" } });

test("Enter sends, Shift Enter breaks; with the other setting it is Ctrl Enter", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  await p.message.fill("one");
  await p.message.press("Shift+Enter");
  await page.keyboard.type("two");
  assert.equal(await p.message.inputValue(), "one\ntwo");
  await p.message.press("Enter");
  await p.turn(0).getByText("You asked: one").waitFor();
  await page.goto("/settings#answers");
  await page.getByText("Ctrl Enter", { exact: true }).click();
  await page.goBack();
  await p.message.fill("three");
  await p.message.press("Enter");
  assert.equal(await p.message.inputValue(), "three\n");
  await p.message.press("Control+Enter");
  await p.turn(1).getByText("You asked: three").waitFor();
  noFaults(window);
  await window.close();
});

test("C18: nothing is sent while an input method composes, in either order of events; rename and search obey too", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  /** Safari ends the composition before the key, and marks the key by its code alone; Chrome ends it after. */
  const compose = (label, text, order) => page.evaluate(([name, value, kind]) => {
    const field = document.querySelector(`[aria-label="${name}"]`);
    field.focus();
    const key = (code, isComposing) => field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", keyCode: code, isComposing, bubbles: true, cancelable: true }));
    field.dispatchEvent(new CompositionEvent("compositionstart", { bubbles: true }));
    field.value = value;
    field.dispatchEvent(new InputEvent("input", { bubbles: true, isComposing: true }));
    if (kind === "safari") {
      field.dispatchEvent(new CompositionEvent("compositionend", { data: value, bubbles: true }));
      key(229, false);
    } else {
      key(229, true);
      field.dispatchEvent(new CompositionEvent("compositionend", { data: value, bubbles: true }));
    }
  }, [label, text, order]);
  let sent = 0;
  for (const order of ["safari", "chrome"]) {
    await compose("Message", "你好", order);
    await page.waitForTimeout(150);
    assert.equal(await p.turns.count(), sent, order);
    assert.equal(await p.message.inputValue(), "你好");
    await p.message.press("Enter");
    await p.turn(sent++).getByText("You asked: 你好").waitFor();
  }
  const item = p.list.getByRole("listitem").first();
  await item.hover();
  await item.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Rename" }).click();
  await compose("Title", "新标题", "safari");
  await page.getByRole("textbox", { name: "Title" }).waitFor();
  await page.keyboard.press("Enter");
  await p.list.getByRole("link", { name: "新标题" }).waitFor();
  const address = page.url();
  await page.goto("/");
  await page.getByRole("searchbox", { name: "Search" }).waitFor();
  await compose("Search", "你好", "safari");
  await page.waitForTimeout(500);
  assert.notEqual(page.url(), address, "search opened nothing by itself");
  await page.getByRole("searchbox", { name: "Search" }).press("Enter");
  await eventually(() => assert.equal(page.url().split("#")[0], address));
  noFaults(window);
  await window.close();
});

test("a draft is kept for each conversation, through reload", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  await p.chat("a conversation");
  await p.message.fill("draft of the first");
  const holds = (words) => eventually(async () => assert.equal(await p.message.inputValue(), words));
  await p.role("button", "New chat").first().click();
  await holds("");
  await p.message.fill("draft of a new one");
  await page.reload();
  await holds("draft of a new one");
  await p.list.getByRole("link", { name: "a conversation" }).click();
  await holds("draft of the first");
  noFaults(window);
  await window.close();
});

test("a huge paste is counted; over the limit it is not sent, and says why", async () => {
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  await p.message.fill("x".repeat(880));
  assert.equal(await page.getByText("of 1,000").count(), 0);
  await p.message.fill("x".repeat(950));
  await page.getByText("950 of 1,000").waitFor();
  await p.message.fill("好".repeat(1200));
  await page.getByText("200 characters too long (at most 1,000)").waitFor();
  assert.equal(await p.send.isEnabled(), false);
  await p.message.press("Enter");
  assert.equal((await p.message.inputValue()).length, 1200);
  const box = await p.message.boundingBox();
  assert.ok(box.height <= 860 * 0.41, "the box grows to two fifths and then scrolls");
  noFaults(window);
  await window.close();
});

test("a starter fills the box and selects what is to be changed", async () => {
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  await page.getByRole("button", { name: /^Explain/ }).click();
  assert.equal(await p.message.inputValue(), "Explain why the sky is dark at night, to a ten-year-old");
  assert.equal(await page.evaluate(() => getSelection().toString() || document.activeElement.value.slice(document.activeElement.selectionStart, document.activeElement.selectionEnd)), "why the sky is dark at night, to a ten-year-old");
  assert.equal(await p.turns.count(), 0);
  noFaults(window);
  await window.close();
});

test("single keys lead to the box and to the sheet, and can be turned off", async () => {
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  await page.locator("body").click({ position: { x: 700, y: 80 } });
  await page.keyboard.press("/");
  assert.ok(await p.message.evaluate((field) => field === document.activeElement && field.value === ""));
  await page.locator("body").click({ position: { x: 700, y: 80 } });
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Shortcuts" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+,");
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  await page.getByRole("radiogroup", { name: "Single keys" }).getByText("Off").click();
  await page.goBack();
  await page.locator("body").click({ position: { x: 700, y: 80 } });
  await page.keyboard.press("?");
  assert.equal(await page.getByRole("dialog").count(), 0);
  noFaults(window);
  await window.close();
});
