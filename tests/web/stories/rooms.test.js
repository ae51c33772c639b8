// Settings, statistics, the palette, dialogs, and addresses that lead nowhere.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createWorld, eventually, noFaults, on } from "../support/world.js";

const world = createWorld();

/** A small picture, red at the left and blue at the right. */
const picture = (page, width = 600, height = 400) => page.evaluate(async ([w, h]) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: w, height: h });
  const context = canvas.getContext("2d");
  context.fillStyle = "#c00";
  context.fillRect(0, 0, w / 2, h);
  context.fillStyle = "#00c";
  context.fillRect(w / 2, 0, w / 2, h);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  return [...new Uint8Array(await blob.arrayBuffer())];
}, [width, height]).then((bytes) => Buffer.from(bytes));

for (const size of ["desktop", "phone"]) {
  test(`settings: name, key, model, theme, language (${size})`, async () => {
    const window = await world.window({ size });
    const { person } = window;
    const page = await window.open("/settings");
    await page.getByRole("textbox", { name: "Name" }).fill("Lin Ash");
    await page.getByRole("button", { name: "Save name" }).click();
    await page.getByText("Saved").waitFor();
    assert.equal((await person.call("/user")).name, "Lin Ash");

    const key = page.getByRole("textbox", { name: "API key" });
    await key.fill("sk-wrong");
    await page.getByRole("button", { name: "Save key" }).click();
    await page.getByText("The model service did not accept your API key.").waitFor();
    assert.equal((await person.call("/user")).has_api_key, false);
    await key.fill("sk-a-good-key-0123456789");
    await page.getByRole("button", { name: "Save key" }).click();
    await page.getByText("sk-****6789").waitFor();
    assert.equal(await key.inputValue(), "", "the key is shown nowhere");
    await page.getByRole("button", { name: "Remove key" }).click();
    await page.getByText("Key removed.").waitFor();

    await page.getByRole("combobox", { name: "Default model" }).selectOption("large-model");
    await eventually(async () => assert.equal((await person.call("/user")).default_model, "large-model"));
    await page.getByRole("textbox", { name: "System prompt" }).fill("Be brief.");
    await page.getByRole("button", { name: "Save system prompt" }).click();
    await eventually(async () => assert.equal((await person.call("/user")).system_prompt, "Be brief."));

    await page.getByRole("radiogroup", { name: "Theme" }).getByText("Dark").click();
    assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), "dark");
    await page.getByRole("combobox", { name: "Language" }).selectOption("zh-CN");
    await page.getByRole("heading", { name: "设置" }).waitFor();
    assert.equal((await person.call("/user")).locale, "zh-CN");
    await page.reload();
    await page.getByRole("heading", { name: "设置" }).waitFor();
    assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), "dark");
    noFaults(window);
    await window.close();
  });
}

test("a picture is cropped to a square before it is sent, and shown", async () => {
  const window = await world.window();
  const page = await window.open("/settings");
  const file = page.getByLabel("Avatar", { exact: true });
  await file.setInputFiles({ name: "头像 1.png", mimeType: "image/png", buffer: await picture(page) });
  const dialog = page.getByRole("dialog", { name: "Your picture" });
  await dialog.getByRole("button", { name: "Use this" }).waitFor();
  await dialog.getByRole("group", { name: "Your picture" }).focus();
  for (let press = 0; press < 12; press++) await page.keyboard.press("Shift+ArrowRight");
  await dialog.getByRole("slider", { name: "Zoom" }).fill("2");
  await dialog.getByRole("button", { name: "Use this" }).click();
  await page.getByText("Saved").waitFor();
  const { avatar } = await window.person.call("/user");
  assert.ok(avatar);
  await page.locator(".side-foot img").waitFor();
  const colour = await page.evaluate(async (url) => {
    const bitmap = await createImageBitmap(await (await fetch(url)).blob());
    const canvas = Object.assign(document.createElement("canvas"), { width: bitmap.width, height: bitmap.height });
    const context = canvas.getContext("2d");
    context.drawImage(bitmap, 0, 0);
    return [bitmap.width === bitmap.height, ...context.getImageData(4, 4, 1, 1).data];
  }, avatar);
  assert.deepEqual(colour.slice(0, 4), [true, 204, 0, 0], "the part that was chosen");
  await file.setInputFiles({ name: "note.png", mimeType: "image/png", buffer: Buffer.from("no picture") });
  await page.getByText("This is not a picture that can be shown.").waitFor();
  noFaults(window);
  await window.close();
});

test("the password is changed; the account is deleted with what it owns", async () => {
  const window = await world.window();
  const { person } = window;
  const page = await window.open("/settings#security");
  await page.getByRole("button", { name: "Change password" }).click();
  const dialog = page.getByRole("dialog", { name: "Change password" });
  const fill = async (values) => {
    for (const [name, value] of Object.entries(values)) await dialog.getByRole("textbox", { name, exact: true }).fill(value);
    await dialog.getByRole("button", { name: "Change password" }).click();
  };
  await fill({ "Current password": "not it", "New password": "battery staple", "Confirm password": "battery staple" });
  await dialog.getByText("The password is not right.").waitFor();
  await fill({ "Current password": person.password });
  await page.getByText("Password changed.").waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  await page.getByRole("button", { name: "Delete account" }).click();
  const last = page.getByRole("dialog", { name: "Delete account" });
  await last.getByText("your API key").waitFor();
  await last.getByRole("textbox", { name: "Current password" }).fill("battery staple");
  await last.getByRole("button", { name: "Delete for good" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await assert.rejects(world.server.call("/login", { method: "POST", body: { email: person.email, password: "battery staple" } }));
  noFaults(window);
  await window.close();
});

test("statistics: total, chart with words, the same as a table, by model, as a file", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window();
  const page = await window.open("/stats");
  await page.getByText("Nothing used yet. The first answer will show here.").waitFor();
  await window.person.ask("one");
  await window.person.ask("two", { model: "large-model" });
  await page.reload();
  await page.getByRole("heading", { name: "Token usage" }).waitFor();
  await page.locator("dd").getByText("100", { exact: true }).first().waitFor();
  const chart = page.getByRole("img", { name: /^Tokens by day from .*: 100 in all, most on .* with 100\.$/ });
  await chart.waitFor();
  const table = page.getByRole("table", { name: "Tokens by day" });
  assert.deepEqual((await table.getByRole("row").nth(1).getByRole("cell").allTextContents()), ["2", "40", "60", "100"]);
  await page.getByRole("listitem").getByText("large-model").waitFor();
  await chart.focus();
  await page.keyboard.press("End");
  await page.getByText(/: 100 tokens, 40 for prompts, 60 for answers \(2 in all\)/).waitFor();
  await page.getByText("7 days", { exact: true }).click();
  await page.getByText("Last 7 days").waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download as CSV" }).click()]);
  assert.equal(download.suggestedFilename(), "token-usage.csv");
  noFaults(window);
  await window.close();
});

test("the palette finds conversations and does what one can do", async () => {
  const window = await world.window();
  await window.person.ask("Our kitchen pendulum clock");
  const page = await window.open("/");
  const p = on(page);
  await page.keyboard.press("Control+k");
  const input = page.getByRole("combobox", { name: "Find or do" });
  await input.fill("clock");
  await page.getByRole("option", { name: /pendulum clock/ }).waitFor();
  await page.keyboard.press("Enter");
  await p.turn(0).getByText("You asked: Our kitchen").waitFor();
  await page.keyboard.press("Control+k");
  await input.fill("> sett");
  await eventually(async () => assert.equal(await page.getByRole("dialog").getByRole("option").count(), 2));
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Settings", exact: true }).waitFor();
  await page.keyboard.press("Control+k");
  await input.fill("zzzz");
  await page.getByText("Nothing found.").waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await page.getByRole("dialog").count(), 0);
  noFaults(window);
  await window.close();
});

test("a conversation that is not there is said to be so; each address can be opened by itself", async () => {
  const window = await world.window();
  const page = await window.open("/chat/999999");
  await page.getByRole("heading", { name: "There is no such page." }).waitFor();
  await page.getByRole("link", { name: "Start a new chat" }).click();
  await page.getByText("What shall we look at?").waitFor();
  for (const [path, heading] of [["/settings", "Settings"], ["/stats", "Token usage"]]) {
    await page.goto(path);
    await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
  }
  await page.goto("/chat");
  await page.getByText("What shall we look at?").waitFor();
  noFaults(window);
  await window.close();
});

test("in Chinese, on a phone: a conversation from the first question to the statistics", async () => {
  world.upstream.answer = async (a) => {
    await a.pieces("这是**“取出并重置”模式**。\n\n- 一\n- 二\n", 4);
    await a.end();
  };
  const window = await world.window({ size: "phone", language: "zh-CN" });
  const page = await window.open("/");
  await page.getByRole("heading", { name: /好，Lin/ }).waitFor();
  await page.getByRole("textbox", { name: "消息" }).fill("这是什么模式？");
  await page.getByRole("button", { name: "发送" }).click();
  const turn = page.getByRole("log", { name: "对话内容" }).getByRole("article").first();
  await turn.locator("strong").getByText("“取出并重置”模式").waitFor();
  await turn.getByRole("button", { name: "复制" }).waitFor();
  assert.equal(await turn.locator(".answer [lang=zh]").count() > 0, true);
  await page.goto("/stats");
  await page.getByRole("heading", { name: "词元用量" }).waitFor();
  await page.getByRole("table", { name: "每天的词元用量" }).waitFor();
  noFaults(window);
  await window.close();
});
