// Own prompts: kept in the settings, found by a slash in the message box, filled in.

import assert from "node:assert/strict";
import { test } from "node:test";
import { check } from "../support/axe.js";
import { createWorld, eventually, gate, noFaults, on } from "../support/world.js";

const world = createWorld();
const fine = async (page, view) => assert.deepEqual(await check(page, view), []);
const WORDS = {
  en: { message: "Message", manage: "Manage prompts", prompts: "Prompts", fresh: "New prompt", name: "Name", text: "Text", save: "Save", taken: "A prompt has this name already.", cancel: "Cancel", edit: "Edit: Letter", remove: "Delete: Letter", removeLong: "Delete: Long", delete: "Delete", none: "You have no prompts yet.", insert: "Insert" },
  "zh-CN": { message: "消息", manage: "管理提示词", prompts: "提示词", fresh: "新提示词", name: "名称", text: "内容", save: "保存", taken: "已经有叫这个名称的提示词了。", cancel: "取消", edit: "编辑：Letter", remove: "删除：Letter", removeLong: "删除：Long", delete: "删除", none: "还没有提示词。", insert: "插入" },
};

for (const [language, size] of [["en", "desktop"], ["zh-CN", "phone"]]) {
  test(`a prompt is made, used by a slash with its gaps filled in, changed and deleted (${language}, ${size})`, async () => {
    const words = WORDS[language];
    const window = await world.window({ language, size });
    const { person } = window;
    const page = await window.open("/settings#answers");
    const dialog = page.getByRole("dialog", { name: words.prompts });
    const make = async (name, text) => {
      await dialog.getByRole("button", { name: words.fresh }).click();
      await dialog.getByRole("textbox", { name: words.name }).fill(name);
      await dialog.getByRole("textbox", { name: words.text }).fill(text);
      await dialog.getByRole("button", { name: words.save }).click();
    };
    await page.getByRole("button", { name: words.manage }).click();
    await dialog.getByText(words.none).waitFor();
    await make("Letter", "Write to {{who}} about {{what}}, kindly.");
    await dialog.getByText("Write to {{who}}").waitFor();
    await make("Long", `${"A long line of one's own. ".repeat(20)}`);
    const [frame, last] = await Promise.all([dialog.boundingBox(), dialog.getByRole("button", { name: words.removeLong }).boundingBox()]);
    assert.ok(last.x + last.width <= frame.x + frame.width, "every button is in sight beside a long text");
    await dialog.getByRole("button", { name: words.removeLong }).click();
    await page.getByRole("dialog").getByRole("button", { name: words.delete, exact: true }).click();
    await dialog.getByText("A long line").waitFor({ state: "detached" });
    await make("Plan", "Plan a rainy Sunday.");
    await dialog.getByText("Plan a rainy Sunday.").waitFor();
    await make("Letter", "Another one");
    await dialog.getByRole("alert").getByText(words.taken).waitFor();
    await fine(page, "a prompt");
    await dialog.getByRole("button", { name: words.cancel }).click();
    await dialog.getByText("Plan a rainy Sunday.").waitFor();
    await fine(page, "prompts");

    await page.goto("/");
    const message = page.getByRole("textbox", { name: words.message });
    await message.pressSequentially("/le");
    const list = page.getByRole("listbox", { name: words.prompts });
    await list.getByRole("option", { name: /^Letter/ }).waitFor();
    await eventually(async () => assert.equal(await list.getByRole("option").count(), 1));
    await fine(page, "slash");
    await page.keyboard.press("Enter");
    const form = page.getByRole("dialog", { name: "Letter" });
    await form.getByRole("textbox", { name: "who" }).fill("the landlord");
    await form.getByRole("textbox", { name: "what" }).fill("the heating");
    await form.getByRole("button", { name: words.insert }).click();
    await eventually(async () => assert.equal(await message.inputValue(), "Write to the landlord about the heating, kindly."));
    assert.ok(await message.evaluate((field) => field === document.activeElement));
    // By arrows; a slash that begins no prompt disturbs nobody, and Esc closes the list alone.
    await message.fill("");
    await message.pressSequentially("/");
    await list.getByRole("option").nth(1).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    assert.equal(await message.inputValue(), "Plan a rainy Sunday.");
    await message.fill("");
    await message.pressSequentially("/etc");
    await list.waitFor({ state: "hidden" });
    await message.fill("/");
    await list.waitFor();
    await page.keyboard.press("Escape");
    await list.waitFor({ state: "hidden" });
    assert.equal(await message.inputValue(), "/");

    await page.goto("/settings#answers");
    await page.getByRole("button", { name: words.manage }).click();
    await dialog.getByRole("button", { name: words.edit }).click();
    await dialog.getByRole("textbox", { name: words.text }).fill("Shorter.");
    await dialog.getByRole("button", { name: words.save }).click();
    await dialog.getByText("Shorter.").waitFor();
    await dialog.getByRole("button", { name: words.remove }).click();
    await page.getByRole("dialog").getByRole("button", { name: words.delete, exact: true }).click();
    await eventually(async () => assert.deepEqual((await person.call("/prompts")).prompts.map(({ name }) => name), ["Plan"]));
    noFaults(window);
    await window.close();
  });
}

test("a list that is open is closed by another draft, and its keys touch no other words", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window();
  const { person } = window;
  for (const name of ["Alpha", "Beta"]) await person.call("/prompts", { method: "POST", body: { name, text: `${name} text` } });
  const { conversation_id: id } = await person.ask("elsewhere");
  const page = await window.open(`/chat/${id}`);
  const p = on(page);
  await p.message.fill("words of the other draft");
  await p.role("button", "New chat").first().click();
  await p.message.fill("/");
  const list = page.getByRole("listbox", { name: "Prompts" });
  await list.getByRole("option", { name: /^Alpha/ }).waitFor();
  // Without leaving the box: by a key of the browser.
  await page.evaluate(() => history.back());
  await eventually(async () => assert.equal(await p.message.inputValue(), "words of the other draft"));
  await list.waitFor({ state: "hidden" });
  await p.message.focus();
  await page.keyboard.press("Tab");
  assert.equal(await p.message.inputValue(), "words of the other draft");
  // One that is still read is not shown where nobody writes any more.
  const late = gate();
  await page.route("**/api/prompts", async (route) => {
    await late.opened;
    await route.continue();
  });
  await p.message.fill("/");
  await page.getByRole("searchbox", { name: "Search" }).focus();
  const come = page.waitForResponse("**/api/prompts");
  late.open();
  await come;
  await page.waitForTimeout(150);
  assert.equal(await list.isVisible(), false);
  noFaults(window);
  await window.close();
});

test("words of a prompt that are not kept are not dropped unasked", async () => {
  const window = await world.window();
  const page = await window.open("/settings#answers");
  await page.getByRole("button", { name: "Manage prompts" }).click();
  const dialog = page.getByRole("dialog", { name: "Prompts" });
  const sure = page.getByRole("dialog", { name: "Drop what you changed?" });
  const text = dialog.getByRole("textbox", { name: "Text" });
  await dialog.getByRole("button", { name: "New prompt" }).click();
  await text.fill("Long and dear");
  const ways = [() => page.keyboard.press("Escape"), () => dialog.getByRole("button", { name: "Close", exact: true }).first().click(), () => page.mouse.click(5, 5)];
  for (const leave of ways) {
    // Twice: a browser asks a page once only.
    for (let time = 0; time < 2; time++) {
      await leave();
      await sure.getByRole("button", { name: "Go on writing" }).click();
      await page.waitForFunction(() => document.querySelectorAll("dialog").length === 1);
      assert.equal(await text.inputValue(), "Long and dear");
    }
  }
  await page.keyboard.press("Escape");
  await sure.getByRole("button", { name: "Drop it" }).click();
  await dialog.waitFor({ state: "hidden" });
  noFaults(window);
  await window.close();
});

test("settings of a conversation go with its questions, and stay after a reload", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  await page.getByRole("button", { name: "Conversation settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Conversation settings" });
  await dialog.getByRole("slider", { name: "Temperature" }).fill("0.3");
  await dialog.getByText("Top p, longest answer, effort").click();
  await dialog.getByRole("slider", { name: "Top p" }).fill("0.5");
  await dialog.getByRole("spinbutton", { name: "Longest answer" }).fill("200");
  await dialog.getByRole("combobox", { name: "Effort" }).selectOption("low");
  await page.keyboard.press("Escape");
  await p.chat("With settings");
  await eventually(async () => {
    const { conversations } = await window.person.call("/conversations");
    const { params } = await window.person.call(`/conversations/${conversations[0].id}`);
    assert.deepEqual([params.temperature, params.top_p, params.max_tokens, params.reasoning_effort], [0.3, 0.5, 200, "low"]);
  });
  await page.reload();
  await page.getByRole("button", { name: "Conversation settings" }).click();
  assert.equal(await dialog.getByRole("slider", { name: "Temperature" }).inputValue(), "0.3");
  noFaults(window);
  await window.close();
});
