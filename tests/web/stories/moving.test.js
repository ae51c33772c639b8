// Conversations come in from another service, and everything goes out again.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { check } from "../support/axe.js";
import { createWorld, noFaults, on } from "../support/world.js";

const world = createWorld();
const fine = async (page, view) => assert.deepEqual(await check(page, view), []);

const node = (id, parent, role, text) => [id, { id, parent, children: [], message: role && { id, author: { role }, create_time: 1_700_000_000, content: { content_type: "text", parts: [text] } } }];
const chat = (id, title, ...nodes) => ({ id, conversation_id: id, title, create_time: 1_700_000_000, update_time: 1_700_000_100, current_node: nodes.at(-1)[0], mapping: Object.fromEntries([node("root", null, null), ...nodes]) });

/** An export as ChatGPT makes it: a question with two answers, and a conversation that is damaged. */
const EXPORT = JSON.stringify([
  chat("c1", "Dinosaur names", node("q", "root", "user", "Which dinosaur has the longest name?"), node("a1", "q", "assistant", "Micropachycephalosaurus."), node("a2", "q", "assistant", "It is *Micropachycephalosaurus*.")),
  { ...chat("c2", "Broken thing", node("q", "root", "user", "?")), mapping: { q: 7 } },
]);

/** Drops a file on an element, as a hand would. */
async function drop(page, selector, name, text) {
  const dataTransfer = await page.evaluateHandle(([fileName, content]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([content], fileName));
    return transfer;
  }, [name, text]);
  await page.locator(selector).dispatchEvent("drop", { dataTransfer });
}

const WORDS = {
  en: { dialog: "Import conversations", done: "1 conversation has come in.", known: "0 conversations have come in.", left: "What was left out", broken: "There are no messages in it.", close: "Close" },
  "zh-CN": { dialog: "导入对话", done: "导入了 1 个对话。", known: "导入了 0 个对话。", left: "未导入的内容", broken: "里面没有消息。", close: "关闭" },
};

for (const [language, size] of [["en", "desktop"], ["zh-CN", "phone"]]) {
  test(`an export that is dropped on the page comes in, with its branches and a report (${language}, ${size})`, async () => {
    const words = WORDS[language];
    const window = await world.window({ language, size });
    const page = await window.open("/");
    await drop(page, "#chat .scroll", "conversations.json", EXPORT);
    const dialog = page.getByRole("dialog", { name: words.dialog });
    await dialog.getByRole("status").getByText(words.done).waitFor();
    const left = dialog.getByRole("group", { name: words.left });
    await left.getByText("Broken thing").waitFor();
    await left.getByText(words.broken).waitFor();
    await fine(page, "report");
    await dialog.getByRole("button", { name: words.close }).last().click();
    const { conversations } = await window.person.call("/conversations");
    assert.deepEqual(conversations.map(({ title }) => title), ["Dinosaur names"]);
    await page.goto(`/chat/${conversations[0].id}`);
    await page.getByText("2 / 2").waitFor();
    // The same file again: nothing is added.
    await drop(page, "#chat .scroll", "conversations.json", EXPORT);
    await dialog.getByRole("status").getByText(words.known).waitFor();
    noFaults(window);
    await window.close();
  });
}

test("a file that is no export is refused in words, and another can be chosen", async () => {
  const window = await world.window();
  const page = await window.open("/settings#data");
  await page.getByRole("button", { name: "Import a file" }).click();
  const dialog = page.getByRole("dialog", { name: "Import conversations" });
  await fine(page, "import");
  await dialog.getByLabel("Export file").setInputFiles({ name: "note.zip", mimeType: "application/zip", buffer: Buffer.from("no archive at all") });
  await dialog.getByText("This file cannot be taken in.").waitFor();
  await dialog.getByLabel("Export file").setInputFiles({ name: "conversations.json", mimeType: "application/json", buffer: Buffer.from(EXPORT) });
  await dialog.getByRole("status").getByText("1 conversation has come in.").waitFor();
  noFaults(window);
  await window.close();
});

test("how far a file has come is shown while it is sent and read; closed, it goes on", async () => {
  const window = await world.window();
  const page = await window.open("/settings#data");
  let asked = 0;
  const report = { id: 7, format: "chatgpt", total: 40, imported: 40, updated: 0, skipped: 0, failed: 0, problems: [] };
  await page.route(/\/api\/import$/, (route) => route.fulfill({ status: 202, json: { id: 7, status: "running" } }));
  await page.route(/\/api\/import\/7$/, (route) => {
    asked += 1;
    route.fulfill({ json: { ...report, status: asked > 3 ? "done" : "running", progress: asked * 25 } });
  });
  await page.getByRole("button", { name: "Import a file" }).click();
  const dialog = page.getByRole("dialog", { name: "Import conversations" });
  await dialog.getByLabel("Export file").setInputFiles({ name: "big.zip", mimeType: "application/zip", buffer: Buffer.alloc(1000) });
  await dialog.getByText("40 conversations read. You can close this; it goes on.").waitFor();
  const bar = dialog.getByRole("progressbar", { name: "Progress" });
  assert.ok(await bar.evaluate((element) => element.value > 0));
  await fine(page, "reading");
  await page.keyboard.press("Escape");
  await page.getByRole("status").getByText("40 conversations have come in.").waitFor();
  noFaults(window);
  await window.close();
});

test("a hiccup is no failure; an import is gone on with after a reload, and its report shown once", async () => {
  const window = await world.window();
  const page = await window.open("/settings#data");
  const report = { id: 7, format: "chatgpt", total: 40, imported: 40, updated: 0, skipped: 0, failed: 0, problems: [] };
  let [asked, isDone] = [0, false];
  await page.route(/\/api\/import$/, (route) => route.fulfill({ status: 202, json: { id: 7, status: "running" } }));
  await page.route(/\/api\/import\/7$/, (route) => {
    asked += 1;
    if (asked === 1) return route.fulfill({ status: 502, contentType: "text/html", body: "<h1>Bad Gateway</h1>" });
    if (asked === 2) return route.fulfill({ status: 429, headers: { "retry-after": "1" }, json: { code: "rate_limited", error: "Too many requests. You can go on in 1 s." } });
    return route.fulfill({ json: { ...report, status: isDone ? "done" : "running", progress: 50 } });
  });
  const open = () => page.getByRole("button", { name: "Import a file" }).click();
  await open();
  const dialog = page.getByRole("dialog", { name: "Import conversations" });
  await dialog.getByLabel("Export file").setInputFiles({ name: "big.zip", mimeType: "application/zip", buffer: Buffer.alloc(1000) });
  await dialog.getByText("40 conversations read. You can close this; it goes on.").waitFor({ timeout: 15_000 });
  assert.ok(asked > 2);
  await page.reload();
  await open();
  await dialog.getByText("40 conversations read.").waitFor();
  await fine(page, "gone on with");
  // Closed and opened again, one of the two tells the end.
  await page.keyboard.press("Escape");
  await open();
  await dialog.getByText("40 conversations read.").waitFor();
  isDone = true;
  await dialog.getByRole("status").getByText("40 conversations have come in.").waitFor();
  await page.waitForTimeout(1000);
  assert.equal(await page.getByText("40 conversations have come in.").count(), 1);
  await page.keyboard.press("Escape");
  await open();
  await dialog.getByText("Take in the export of ChatGPT").waitFor();
  noFaults(window);
  await window.close();
});

test("the whole account goes out in each form, and comes in again elsewhere", async () => {
  const person = await world.server.person();
  await person.ask("What goes out must come in");
  const window = await world.window({ person });
  const page = await window.open("/settings#data");
  const files = {};
  for (const form of ["Markdown", "JSON", "Open WebUI"]) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: `Export as ${form}` }).click()]);
    files[form] = await readFile(await download.path());
    assert.equal(files[form].subarray(0, 2).toString(), "PK", form);
  }
  noFaults(window);
  await window.close();
  const other = await world.window();
  const place = await other.open("/settings#data");
  await place.getByRole("button", { name: "Import a file" }).click();
  const dialog = place.getByRole("dialog", { name: "Import conversations" });
  await dialog.getByLabel("Export file").setInputFiles({ name: "gpt-assistant.zip", mimeType: "application/zip", buffer: files.JSON });
  await dialog.getByRole("status").getByText("1 conversation has come in.").waitFor();
  await place.keyboard.press("Escape");
  await on(place).list.getByRole("link", { name: "What goes out must come in" }).click();
  await on(place).turn(0).getByText("You asked: What goes out").waitFor();
  noFaults(other);
  await other.close();
});
