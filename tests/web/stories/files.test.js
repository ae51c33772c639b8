// Pictures and texts with a message: chosen, pasted, dropped, sent, shown, kept; and what goes wrong with them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { check } from "../support/axe.js";
import { png } from "../support/picture.js";
import { createWorld, eventually, gate, noFaults, on } from "../support/world.js";

const world = createWorld({ settings: { LIMITS__STORAGE_PER_USER: "400KiB" } });

const file = (name, mimeType, buffer) => ({ name, mimeType, buffer: Buffer.from(buffer) });
const choose = async (page, files, label = "Add a picture or file") => {
  const chosen = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: label, exact: true }).click();
  await (await chosen).setFiles(files);
};
/** Lets files fall, or pastes them: an event as a browser makes it. */
const give = (page, kind, files, texts = {}) => page.evaluate(([how, all, words]) => {
  const data = new DataTransfer();
  for (const [type, text] of Object.entries(words)) data.setData(type, text);
  for (const each of all) data.items.add(new File([Uint8Array.from(atob(each.data), (c) => c.charCodeAt(0))], each.name, { type: each.type }));
  const target = document.querySelector(how === "paste" ? "#message" : "#chat .scroll");
  const isTaken = (name, Event, more) => !target.dispatchEvent(new Event(name, { bubbles: true, cancelable: true, ...more }));
  if (how === "paste") return isTaken("paste", ClipboardEvent, { clipboardData: data });
  isTaken("dragover", DragEvent, { dataTransfer: data });
  window.edge = getComputedStyle(document.querySelector(".composer")).outlineWidth;
  return isTaken("drop", DragEvent, { dataTransfer: data });
}, [kind, files.map(({ name, mimeType, buffer }) => ({ name, type: mimeType, data: buffer.toString("base64") })), texts]);
const tray = (page) => page.getByRole("list", { name: "With this message" }).getByRole("listitem");
const parts = () => world.upstream.requests.at(-1).messages.at(-1).content;
/** What this browser keeps as drafts: `[[name, draft]]`. */
const draftsOf = (page) => page.evaluate(() => Object.entries(localStorage).filter(([name]) => name.includes("draft:")).map(([name, draft]) => [name, JSON.parse(draft)]));
const findings = (page) => check(page, "files");

for (const size of ["desktop", "phone"]) {
  test(`pictures and texts are chosen, dropped and pasted, and go with the message (${size})`, async () => {
    world.upstream.answer = world.upstream.usual;
    const window = await world.window({ size });
    const page = await window.open("/");
    const p = on(page);
    await choose(page, [file("clock.png", "image/png", png(300, 200))]);
    await give(page, "drop", [file("notes.md", "text/markdown", "# Notes\n\nThe clock is slow.\n")]);
    assert.equal(await page.evaluate(() => window.edge), "2px", "an edge says where it may fall");
    assert.ok(await give(page, "paste", [file("image.png", "image/png", png(64, 64, [9, 9, 9]))]));
    await eventually(async () => assert.equal(await tray(page).filter({ hasText: "token" }).count(), 3));
    await tray(page).filter({ hasText: "notes.md" }).getByText(/^\d+ tokens$/).waitFor();
    await eventually(async () => assert.equal(await tray(page).getByRole("img", { name: "clock.png" }).evaluate((image) => image.naturalWidth), 300));
    assert.deepEqual(await findings(page), []);
    // A message without a word may go when something is shown.
    assert.equal(await p.send.isEnabled(), true);
    await p.ask("What is wrong with it?");
    await p.turn(0).getByRole("button", { name: "Copy", exact: true }).waitFor();
    const [words, one, two] = parts();
    assert.match(words.text, /^notes\.md:\n```\n# Notes\n\nThe clock is slow\.\n```\n\nWhat is wrong with it\?$/);
    assert.match(one.image_url.url, /^data:image\/png;base64,/);
    assert.match(two.image_url.url, /^data:image\/png;base64,/);
    assert.equal(await tray(page).count(), 0, "the box is empty");

    // In the turn: small pictures, a chip; and after a reload too.
    await page.reload();
    const picture = p.turn(0).getByRole("button", { name: "Open clock.png" });
    await eventually(async () => assert.equal(await picture.locator("img").evaluate((image) => image.naturalWidth), 300));
    const box = await picture.boundingBox();
    assert.deepEqual([box.width, box.height], [120, 90]);
    assert.match(await p.turn(0).getByRole("button", { name: /notes\.md/ }).textContent(), /notes\.md\d+ bytes/);
    assert.deepEqual(await findings(page), []);
    await picture.click();
    const large = page.getByRole("dialog", { name: "clock.png" });
    await eventually(async () => assert.equal(await large.getByRole("img", { name: "clock.png" }).evaluate((image) => image.naturalWidth), 300));
    assert.deepEqual(await findings(page), []);
    const kept = page.waitForEvent("download");
    await large.getByRole("button", { name: "Download" }).click();
    assert.equal((await kept).suggestedFilename(), "clock.png");
    await page.keyboard.press("Escape");
    assert.ok(await picture.evaluate((element) => element === document.activeElement), "the focus goes back");
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);

    // Asked again and asked otherwise, they are still there.
    await p.turn(0).getByRole("button", { name: "Retry", exact: true }).click();
    await p.turn(0).getByText("2 / 2").waitFor();
    await p.turn(0).getByRole("button", { name: "Edit", exact: true }).waitFor();
    assert.equal(parts().length, 3);
    await p.turn(0).getByRole("button", { name: "Edit", exact: true }).click();
    await page.getByRole("textbox", { name: "Edit question" }).fill("And why?");
    await page.keyboard.press("Control+Enter");
    await p.turn(0).getByText("3 / 3").waitFor();
    await p.turn(0).getByRole("button", { name: "Copy", exact: true }).waitFor();
    assert.match(parts()[0].text, /And why\?$/);
    assert.equal(parts().length, 3);
    await p.turn(0).getByRole("button", { name: "Open clock.png" }).waitFor();
    noFaults(window);
    await window.close();
  });
}

test("a picture without a word; the turn and the list are called by its name", async () => {
  world.upstream.answer = async (a) => {
    await a.text("A square.");
    await a.end();
  };
  const window = await world.window({ language: "zh-CN", size: "phone" });
  const page = await window.open("/");
  await choose(page, [file("钟.png", "image/png", png(90, 60))], "添加图片或文件");
  await page.getByRole("button", { name: "发送" }).click();
  const turn = page.getByRole("log").getByRole("article", { name: /钟\.png/ });
  await turn.getByText("A square.").waitFor();
  assert.deepEqual(parts().map((part) => part.type), ["image_url"]);
  await page.getByRole("heading", { name: "钟.png", exact: true }).first().waitFor();
  assert.deepEqual(await findings(page), []);
  noFaults(window);
  await window.close();
});

test("a large picture is made small before it is sent; taking one out ends its way", async () => {
  const window = await world.window();
  const page = await window.open("/");
  await page.evaluate(() => {
    const ask = window.fetch;
    window.fetch = (address, options) => {
      if (options.body instanceof FormData) window.sent = createImageBitmap(options.body.get("file")).then(({ width, height }) => [width, height]);
      return ask(address, options);
    };
  });
  await choose(page, [file("large.png", "image/png", png(3000, 1500))]);
  await tray(page).getByText(/tokens$/).waitFor();
  assert.match(await tray(page).first().getAttribute("title"), /large\.png/);
  const [{ id }] = await page.evaluate(() => JSON.parse(Object.entries(localStorage).find(([name]) => name.includes("draft"))[1]).files);
  const reply = await fetch(`${world.server.url}/api/files/${id}`, { headers: { authorization: `Bearer ${window.person.token}` } });
  const bytes = Buffer.from(await reply.arrayBuffer());
  assert.deepEqual([bytes.readUInt32BE(16), bytes.readUInt32BE(20)], [2048, 1024]);
  assert.deepEqual(await page.evaluate(() => window.sent), [2048, 1024], "the browser did it");
  await page.getByRole("button", { name: "Take out large.png" }).click();
  assert.equal(await tray(page).count(), 0);
  assert.equal(await on(page).send.isEnabled(), false);
  noFaults(window);
  await window.close();
});

test("words win over a picture of them; a file that pretends is refused beside itself, and nothing else is lost", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  assert.equal(await give(page, "paste", [file("table.png", "image/png", png(20, 20))], { "text/plain": "1 2", "text/html": "<b>1 2</b>" }), false);
  assert.equal(await tray(page).count(), 0);
  await p.message.fill("look at these");
  await choose(page, [file("no.png", "image/png", "this is no picture"), file("data.bin", "application/octet-stream", "\0\x01\x02"), file("long.txt", "text/plain", "x".repeat((256 << 10) + 1)), file("good.txt", "text/plain", "good")]);
  await tray(page).nth(0).getByText("This is not a picture that can be shown.").waitFor();
  await tray(page).nth(1).getByText("Only pictures (PNG, JPEG, WebP, GIF) and text in UTF-8 can be sent.").waitFor();
  await tray(page).nth(2).getByText("A text can be at most 256 KB.").waitFor();
  await tray(page).nth(3).getByText("1 token").waitFor();
  await page.getByText("Take out what was not added").waitFor();
  assert.equal(await p.send.isEnabled(), false);
  await p.message.press("Enter");
  assert.equal(await p.message.inputValue(), "look at these");
  assert.deepEqual(await findings(page), []);
  for (const name of ["no.png", "data.bin", "long.txt"]) await page.getByRole("button", { name: `Take out ${name}` }).click();
  await p.message.press("Enter");
  await p.turn(0).getByRole("button", { name: "Copy", exact: true }).waitFor();
  assert.equal(parts(), "good.txt:\n```\ngood\n```\n\nlook at these");
  noFaults(window);
  await window.close();
});

test("nine are one too many, and a full room says so", async () => {
  const window = await world.window();
  const page = await window.open("/");
  await choose(page, Array.from({ length: 9 }, (_, at) => file(`${at}.txt`, "text/plain", `${at}`)));
  await tray(page).nth(8).getByText("A message takes at most 8 files.").waitFor();
  for (let at = 0; at < 9; at++) await page.getByRole("button", { name: `Take out ${at}.txt` }).click();
  const noise = (seed) => Array.from({ length: 250_000 }, (_, at) => "abcdefghijklmnop"[(at * 7919 + seed * at * at) % 16]).join("");
  await choose(page, [file("a.txt", "text/plain", noise(1)), file("b.txt", "text/plain", noise(3))]);
  await page.getByText("Your room for pictures and files is used up.").first().waitFor();
  noFaults(window);
  await window.close();
});

test("files of a draft survive reload, another conversation and a lost line", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window({ hasLine: true });
  const page = await window.open("/");
  const p = on(page);
  await p.chat("a conversation");
  await choose(page, [file("one.txt", "text/plain", "one")]);
  await tray(page).getByText("1 token").waitFor();
  await p.role("button", "New chat").first().click();
  assert.equal(await tray(page).count(), 0);
  await page.goBack();
  await tray(page).getByText("one.txt").waitFor();
  await page.reload();
  await tray(page).getByText("one.txt").waitFor();
  window.line.cut();
  await give(page, "drop", [file("two.png", "image/png", png(30, 30))]);
  await page.getByText("Files are on their way").waitFor();
  await page.waitForTimeout(300);
  window.line.mend();
  await eventually(async () => assert.equal(await tray(page).filter({ hasText: "token" }).count(), 2), 15_000);
  await p.message.press("Enter");
  await p.turn(1).getByRole("button", { name: "Open two.png" }).waitFor();
  await p.turn(1).getByRole("button", { name: "Copy", exact: true }).waitFor();
  await page.reload();
  await page.locator("html[data-ready]").waitFor({ state: "attached" });
  await p.turn(1).getByRole("button", { name: "Open two.png" }).waitFor();
  assert.deepEqual(await draftsOf(page), [], "nothing of it is a draft any more");
  assert.equal(await tray(page).count(), 0);
  noFaults(window);
  await window.close();
});

test("a file that is added while a new chat waits for its number goes with that chat", async () => {
  const answer = gate();
  world.upstream.answer = async (a) => {
    await answer.opened;
    await world.upstream.usual(a);
  };
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  const [number, sent] = [gate(), gate()];
  await page.route("**/api/chat?*", async (route) => {
    await number.opened;
    await route.continue();
  });
  await page.route("**/api/files", async (route) => {
    await sent.opened;
    await route.continue();
  });
  // The tray is there already: what is on its way is known to it alone.
  await p.message.fill("The first");
  await choose(page, [file("late.txt", "text/plain", "late")]);
  await tray(page).getByText("On its way…").waitFor();
  await page.getByRole("button", { name: "Take out late.txt" }).click();
  await p.message.press("Enter");
  await p.turn(0).waitFor();
  await choose(page, [file("late.txt", "text/plain", "late")]);
  await tray(page).getByText("On its way…").waitFor();
  number.open();
  await eventually(() => assert.match(page.url(), /\/chat\/\d+$/));
  assert.equal(await tray(page).getByText("late.txt").count(), 1, "it is seen in the chat that has a number now");
  sent.open();
  await tray(page).getByText(/token/).waitFor();
  const id = page.url().match(/\d+$/)[0];
  assert.deepEqual((await draftsOf(page)).map(([name, draft]) => [name.split(":").at(-1), draft.files.length]), [[id, 1]]);
  await p.role("button", "New chat").first().click();
  await eventually(async () => assert.equal(await tray(page).count(), 0, "the next new chat has nothing of it"));
  answer.open();
  noFaults(window);
  await window.close();
});

test("only a picture that is not there is said to be gone; for a lost line it waits", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  await choose(page, [file("clock.png", "image/png", png(90, 60))]);
  await tray(page).getByText(/tokens$/).waitFor();
  await p.chat("What is it?");
  for (const [reply, shown] of [[{ status: 502, contentType: "text/html", body: "no" }, null], ["abort", null], [{ status: 500, json: { code: "internal", error: "Something went wrong on the server." } }, "Something went wrong on the server."], [{ status: 404, json: { code: "not_found", error: "There is nothing here." } }, "This picture is not here any more."]]) {
    let asked = 0;
    await page.route("**/api/files/*", (route) => (asked++ > 0 && shown === null ? route.continue() : reply === "abort" ? route.abort() : route.fulfill(reply)));
    await page.reload();
    if (shown) await p.turn(0).getByText(shown).waitFor();
    else await eventually(async () => assert.equal(await p.turn(0).getByRole("button", { name: "Open clock.png" }).locator("img").evaluate((image) => image.naturalWidth), 90), 10_000);
    await page.unroute("**/api/files/*");
  }
  noFaults(window);
  await window.close();
});

test("who leaves takes her uploads and pictures along", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  await choose(page, [file("mine.png", "image/png", png(40, 40))]);
  await tray(page).getByText(/tokens$/).waitFor();
  const aborted = page.waitForEvent("requestfailed", (request) => request.url().endsWith("/api/files"));
  // It never comes to an end by itself.
  await page.route("**/api/files", () => {});
  await choose(page, [file("slow.txt", "text/plain", "slow")]);
  await page.getByText("Files are on their way").waitFor();
  await p.list.getByRole("button", { name: "More", exact: true }).last().click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await aborted;
  noFaults(window);
  await window.close();
});

test("a model that takes no pictures: a sentence, the question is kept, and another model answers it", async () => {
  world.upstream.answer = (a) => a.body.model === "small-model"
    ? a.refuse(400, { error: { message: "Invalid content type. image_url is only supported by certain models.", type: "invalid_request_error", code: null } })
    : world.upstream.usual(a);
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  await choose(page, [file("clock.png", "image/png", png(30, 30))]);
  await tray(page).getByText(/tokens$/).waitFor();
  await p.ask("What is it?");
  await p.turn(0).getByText("This model does not take pictures or files. Your question is kept").waitFor();
  assert.equal(await p.turn(0).locator(".question").textContent(), "What is it?");
  await p.role("combobox", "Model").selectOption("large-model");
  await p.turn(0).locator(".notice").getByRole("button", { name: "Retry" }).click();
  await p.turn(0).getByText(/^You asked/).waitFor();
  assert.equal(world.upstream.requests.at(-1).model, "large-model");
  assert.equal(parts().length, 2);
  noFaults(window);
  await window.close();
});
