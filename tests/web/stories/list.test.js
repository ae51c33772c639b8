// The list of conversations: groups, names, pins, archive, trash, search, keys.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createWorld, eventually, noFaults, on } from "../support/world.js";

const world = createWorld();

/** A person with some conversations. */
async function withTalks(...prompts) {
  world.upstream.answer = world.upstream.usual;
  const person = await world.server.person();
  for (const prompt of prompts) await person.ask(prompt);
  return person;
}

async function menu(page, title, ...path) {
  const item = on(page).list.getByRole("listitem").filter({ has: page.getByRole("link", { name: title }) });
  await item.hover();
  await item.getByRole("button", { name: "More" }).click();
  for (const word of path) await page.getByRole("menuitem", { name: word, exact: true }).click();
}

for (const size of ["desktop", "phone"]) {
  test(`rename, pin, archive, delete with Undo (${size})`, async () => {
    const window = await world.window({ person: await withTalks("first talk", "second talk", "third talk"), size });
    const page = await window.open("/");
    const p = on(page);
    const openList = async () => size === "phone" && page.getByRole("button", { name: "Open the list" }).click();
    await openList();
    await p.list.getByRole("link", { name: "first talk" }).waitFor();
    await menu(page, "second talk", "Rename");
    const field = page.getByRole("textbox", { name: "Title" });
    await field.fill("never mind");
    await field.press("Escape");
    await menu(page, "second talk", "Rename");
    await field.fill("Letter to the landlord");
    await field.press("Enter");
    await p.list.getByRole("link", { name: "Letter to the landlord" }).waitFor();
    await menu(page, "first talk", "Pin");
    await p.list.getByRole("heading", { name: "Pinned" }).waitFor();
    assert.equal(await p.list.getByRole("link").nth(1).textContent(), "first talk");
    await menu(page, "third talk", "Delete");
    await page.getByText("Moved to the trash.").waitFor();
    assert.equal(await p.list.getByRole("link", { name: "third talk" }).count(), 0);
    await page.getByRole("button", { name: "Undo" }).click();
    await p.list.getByRole("link", { name: "third talk" }).waitFor();
    await menu(page, "third talk", "Archive");
    await page.getByText("Moved to the archive.").waitFor();
    assert.equal(await p.list.getByRole("link", { name: "third talk" }).count(), 0);
    await menu(page, "Letter to the landlord", "Delete");
    await page.reload();
    await openList();
    await p.list.getByRole("link", { name: "first talk" }).waitFor();
    assert.equal(await p.list.getByRole("link", { name: /talk|Letter/ }).count(), 1);

    // The shelves: what was put away, and the way back.
    await p.list.getByRole("button", { name: "More", exact: true }).last().click();
    await page.getByRole("menuitem", { name: "Archive" }).click();
    const shelf = page.getByRole("dialog", { name: "Archive" });
    await shelf.getByRole("link", { name: "third talk" }).waitFor();
    await shelf.getByRole("button", { name: "Take out of the archive" }).click();
    await shelf.getByText("The archive is empty.").waitFor();
    await page.keyboard.press("Escape");
    await p.list.getByRole("link", { name: "third talk" }).waitFor();
    await p.list.getByRole("button", { name: "More", exact: true }).last().click();
    await page.getByRole("menuitem", { name: "Trash" }).click();
    const trash = page.getByRole("dialog", { name: "Trash" });
    await trash.getByText("Kept for 30 days.").waitFor();
    await trash.getByRole("button", { name: "Delete for good" }).click();
    await page.getByRole("dialog", { name: "Delete this conversation for good?" }).getByRole("button", { name: "Delete for good" }).click();
    await trash.getByText("The trash is empty.").waitFor();
    assert.equal((await window.person.call("/conversations?trash=true")).conversations.length, 0);
    noFaults(window);
    await window.close();
  });
}

test("search finds titles and turns, Chinese too, with marks, and offers the archive", async () => {
  const person = await withTalks("Our kitchen pendulum clock loses time", "会话里的记忆断裂问题", "Something else");
  const window = await world.window({ person });
  const page = await window.open("/");
  const p = on(page);
  const search = page.getByRole("searchbox", { name: "Search" });
  await search.fill("clo");
  const hit = p.list.getByRole("listitem").getByRole("link", { name: /pendulum/ });
  await hit.waitFor();
  await eventually(async () => assert.equal(await p.list.getByRole("listitem").count(), 1));
  assert.ok((await hit.locator("mark").allTextContents()).some((text) => text.toLowerCase().startsWith("clo")));
  await search.fill("断裂");
  await p.list.getByRole("link", { name: /记忆断裂/ }).waitFor();
  await search.press("ArrowDown");
  await page.keyboard.press("Enter");
  await p.turn(0).getByText("You asked: 会话里的记忆断裂问题").waitFor();
  await search.fill("");
  await p.list.getByRole("link", { name: "Something else" }).waitFor();
  await menu(page, "Something else", "Archive");
  await search.fill("Something");
  await p.list.getByText("Nothing found for “Something”.").waitFor();
  await p.list.getByRole("button", { name: "Look in the archive?" }).click();
  await p.list.getByRole("link", { name: /Something else/ }).waitFor();
  await search.press("Escape");
  await p.list.getByRole("link", { name: /pendulum/ }).waitFor();
  noFaults(window);
  await window.close();
});

test("the list is one stop for the Tab key; arrows move in it, Shift F10 opens More", async () => {
  const window = await world.window({ person: await withTalks("alpha", "beta", "gamma") });
  const page = await window.open("/");
  const p = on(page);
  await p.list.getByRole("link", { name: "gamma" }).waitFor();
  await page.getByRole("searchbox", { name: "Search" }).focus();
  await page.keyboard.press("Tab");
  const focused = () => page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.getAttribute("aria-label"));
  assert.equal(await focused(), "gamma");
  await page.keyboard.press("ArrowDown");
  assert.equal(await focused(), "beta");
  await page.keyboard.press("Tab");
  assert.match(await focused(), /Lin Ashworth/);
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Shift+F10");
  await page.getByRole("menuitem", { name: "Rename" }).waitFor();
  assert.equal(await focused(), "Rename");
  await page.keyboard.press("d");
  assert.equal(await focused(), "Delete");
  await page.keyboard.press("Enter");
  await page.getByText("Moved to the trash.").waitFor();
  await eventually(async () => assert.notEqual(await page.evaluate(() => document.activeElement.tagName), "BODY", "the focus goes on to another"));
  noFaults(window);
  await window.close();
});

test("many conversations come in pages; groups are by date in the reader's zone", async () => {
  const person = await withTalks();
  for (let count = 0; count < 120; count++) await person.call("/conversations", { method: "POST", body: { title: `Talk ${count}` } });
  const window = await world.window({ person });
  const page = await window.open("/");
  const p = on(page);
  await p.list.getByRole("link", { name: "Talk 119", exact: true }).waitFor();
  assert.ok(await p.list.getByRole("listitem").count() <= 100);
  await eventually(async () => {
    await p.list.getByRole("listitem").last().scrollIntoViewIfNeeded();
    await p.list.getByRole("link", { name: "Talk 0", exact: true }).waitFor({ timeout: 300 });
  });
  await p.list.getByRole("heading", { name: "Today" }).waitFor();
  noFaults(window);
  await window.close();
});

test("the list can be hidden, which is remembered; on a phone it is a drawer that Back closes", async () => {
  const window = await world.window({ person: await withTalks("alpha") });
  const page = await window.open("/");
  const p = on(page);
  await page.keyboard.press("Control+b");
  await p.list.waitFor({ state: "hidden" });
  await page.reload();
  await p.message.waitFor();
  assert.equal(await p.list.isVisible(), false);
  await page.getByRole("button", { name: "Open the list" }).click();
  await p.list.getByRole("link", { name: "alpha" }).waitFor();
  noFaults(window);
  await window.close();

  const phone = await world.window({ person: await withTalks("alpha"), size: "phone" });
  const small = await phone.open("/");
  const q = on(small);
  await small.getByRole("button", { name: "Open the list" }).click();
  await q.list.getByRole("link", { name: "alpha" }).waitFor();
  await small.goBack();
  await q.list.waitFor({ state: "hidden" });
  assert.match(small.url(), /\/$/);
  await small.getByRole("button", { name: "Open the list" }).click();
  await small.keyboard.press("Escape");
  await q.list.waitFor({ state: "hidden" });
  await small.getByRole("button", { name: "Open the list" }).click();
  await q.list.getByRole("link", { name: "alpha" }).click();
  await q.list.waitFor({ state: "hidden" });
  await q.turn(0).getByText("You asked: alpha").waitFor();
  await small.goBack();
  assert.match(small.url(), /\/$/, "one step back is one place back");
  noFaults(phone);
  await phone.close();
});

test("a conversation is exported as Markdown and as JSON", async () => {
  const window = await world.window({ person: await withTalks("export me") });
  const page = await window.open("/");
  for (const [word, ending] of [["Markdown", ".md"], ["JSON", ".json"]]) {
    const [download] = await Promise.all([page.waitForEvent("download"), menu(page, "export me", "Export", word)]);
    assert.ok(download.suggestedFilename().endsWith(ending), download.suggestedFilename());
  }
  noFaults(window);
  await window.close();
});
