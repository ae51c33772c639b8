// Lost networks, killed servers, hidden tabs, two tabs, ended logins: no answer and no word is lost.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createWorld, eventually, gate, noFaults, on } from "../support/world.js";

const world = createWorld();

/** An answer of many lines that waits at a gate in its middle. */
function longAnswer(lines, opened) {
  return async (a) => {
    for (let line = 1; line <= lines; line++) {
      await a.text(`Line ${line}.\n\n`);
      if (line === Math.floor(lines / 2)) await opened;
    }
    await a.end();
  };
}

/** A window whose answer of so many lines has come to its gate, in the middle. */
async function halfway(lines, options) {
  const open = gate();
  world.upstream.answer = longAnswer(lines, open.opened);
  const window = await world.window(options);
  const page = await window.open("/");
  const p = on(page);
  await p.ask("lines");
  await p.turn(0).getByText(`Line ${Math.floor(lines / 2)}.`).waitFor();
  return { open, window, page, p };
}

test("an answer survives a reload in its middle", async () => {
  const { open, window, page, p } = await halfway(6);
  await page.reload();
  await p.turn(0).getByText("Line 3.").waitFor();
  await p.stop.waitFor();
  open.open();
  await p.turn(0).getByText("Line 6.").waitFor();
  await p.send.waitFor();
  assert.equal(await p.turn(0).locator(".answer p").count(), 6);
  noFaults(window);
  await window.close();
});

test("a hidden tab drops its stream and follows again when it is shown", async () => {
  const open = gate();
  world.upstream.answer = longAnswer(6, open.opened);
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  const streams = [];
  page.on("request", (request) => /events\?|chat\?/.test(request.url()) && streams.push(request));
  const hide = (is) => page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => (hidden ? "hidden" : "visible") });
    document.dispatchEvent(new Event("visibilitychange"));
  }, is);
  await p.ask("lines");
  await p.turn(0).getByText("Line 3.").waitFor();
  await hide(true);
  await eventually(() => assert.ok(streams[0].failure(), "the stream was dropped"));
  open.open();
  await page.waitForTimeout(300);
  assert.equal(await p.turn(0).getByText("Line 6.").count(), 0);
  await hide(false);
  await p.turn(0).getByText("Line 6.").waitFor();
  await p.send.waitFor();
  assert.equal(await p.turn(0).locator(".answer p").count(), 6);
  noFaults(window);
  await window.close();
});

test("the network goes in mid answer: the page says so, and catches up", async () => {
  const { open, window, page, p } = await halfway(8, { hasLine: true });
  const { line } = window;
  line.cut();
  open.open();
  await page.getByText("No connection. The answer goes on at the server").waitFor({ timeout: 12_000 });
  await p.message.fill("typed without a line");
  assert.equal(await p.turn(0).getByText("Line 8.").count(), 0);
  line.mend();
  await p.turn(0).getByText("Line 8.").waitFor({ timeout: 12_000 });
  await p.send.waitFor();
  await page.getByText("No connection.").waitFor({ state: "detached" });
  assert.equal(await p.turn(0).locator(".answer p").count(), 8);
  assert.equal(await p.message.inputValue(), "typed without a line");
  noFaults(window);
  await window.close();
});

test("another network in mid answer: what is open falls silent, and the page does not wait for it", async () => {
  const { open, window, page, p } = await halfway(8, { hasLine: true });
  await window.context.setOffline(true);
  window.line.mute();
  await page.getByText("No connection. The answer goes on at the server").waitFor({ timeout: 12_000 });
  open.open();
  await page.waitForTimeout(300);
  assert.equal(await p.turn(0).getByText("Line 8.").count(), 0);
  await window.context.setOffline(false);
  // Silence alone is noticed only after 40 s.
  await p.turn(0).getByText("Line 8.").waitFor({ timeout: 12_000 });
  await p.send.waitFor();
  await page.getByText("No connection.").waitFor({ state: "detached" });
  assert.equal(await p.turn(0).locator(".answer p").count(), 8);
  noFaults(window);
  await window.close();
});

test("a tab that was hidden and frozen has all of the answer when it is shown", async () => {
  const { open, window, page, p } = await halfway(6);
  const session = await window.context.newCDPSession(page);
  await p.message.fill("a draft");
  await session.send("Page.setWebLifecycleState", { state: "frozen" });
  open.open();
  await eventually(async () => {
    const { conversations: [{ id }] } = await window.person.call("/conversations");
    assert.equal((await window.person.call(`/conversations/${id}`)).turns[0].status, "complete");
  });
  // Nothing runs in a frozen page, for minutes or for a night.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await session.send("Page.setWebLifecycleState", { state: "active" });
  await p.turn(0).getByText("Line 6.").waitFor({ timeout: 12_000 });
  await p.send.waitFor();
  assert.equal(await p.turn(0).locator(".answer p").count(), 6);
  assert.equal(await p.message.inputValue(), "a draft");
  noFaults(window);
  await window.close();
});

test("a message that is sent without a network goes out once, when it is back", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window({ hasLine: true });
  const page = await window.open("/");
  const p = on(page);
  await p.chat("first");
  const { line } = window;
  line.cut();
  const before = world.upstream.requests.length;
  await p.ask("second");
  await p.turn(1).getByText("Sends when you are back.").waitFor();
  line.mend();
  await p.turn(1).getByText("You asked: second").waitFor({ timeout: 12_000 });
  assert.equal(world.upstream.requests.length, before + 1);
  noFaults(window);
  await window.close();
});

test("the line breaks after the message has gone out: it is not sent twice", async () => {
  const open = gate();
  world.upstream.answer = async (a) => {
    await open.opened;
    await a.text(`Once: ${a.question}`);
    await a.end();
  };
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  const before = world.upstream.requests.length;
  // The server has it; its first event never reaches the page.
  await page.route(/api\/chat\?/, async (route) => {
    const { url, method, headers, postData } = { url: route.request().url(), method: "POST", headers: route.request().headers(), postData: route.request().postData() };
    await fetch(url, { method, headers, body: postData });
    await route.abort("connectionreset");
  }, { times: 1 });
  await p.ask("only once");
  await page.waitForTimeout(500);
  open.open();
  await p.turn(0).getByText("Once: only once").waitFor({ timeout: 12_000 });
  assert.equal(world.upstream.requests.length, before + 1);
  assert.equal((await window.person.call("/conversations")).conversations.length, 1);
  noFaults(window);
  await window.close();
});

test("the server is killed in mid answer and started again: what had come is kept and said", async () => {
  const { open, window, page, p } = await halfway(6);
  await page.waitForTimeout(500);
  await p.message.fill("a draft");
  await world.server.kill("SIGKILL");
  open.open();
  await page.waitForTimeout(600);
  await world.server.start(world.server.port);
  await p.turn(0).getByRole("button", { name: "Retry" }).first().waitFor({ timeout: 15_000 });
  await p.turn(0).getByText(/What had arrived is kept\./).waitFor();
  await p.turn(0).getByText("Line 3.").waitFor();
  assert.equal(await p.message.inputValue(), "a draft");
  world.upstream.answer = world.upstream.usual;
  await p.turn(0).getByRole("button", { name: "Retry" }).first().click();
  await p.turn(0).getByText("You asked: lines").waitFor();
  noFaults(window);
  await window.close();
});

test("two tabs on one conversation agree", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window();
  const [one, two] = [await window.open("/"), null];
  const a = on(one);
  await a.chat("from the first tab");
  const other = await window.open(new URL(one.url()).pathname);
  const b = on(other);
  await b.turn(0).getByText("You asked: from the first tab").waitFor();
  const open = gate();
  world.upstream.answer = longAnswer(4, open.opened);
  await a.ask("and again");
  await b.turn(1).getByText("Line 2.").waitFor();
  await b.stop.waitFor();
  open.open();
  await b.turn(1).getByText("Line 4.").waitFor();
  await a.turn(1).getByText("Line 4.").waitFor();
  world.upstream.answer = world.upstream.usual;
  await b.chat("from the second tab");
  await a.turn(2).getByText("You asked: from the second tab").waitFor();
  // A title that is changed in one is changed in the other.
  const item = a.list.getByRole("listitem").first();
  await item.hover();
  await item.getByRole("button", { name: "More" }).click();
  await one.getByRole("menuitem", { name: "Rename" }).click();
  await one.getByRole("textbox", { name: "Title" }).fill("Both of us");
  await one.keyboard.press("Enter");
  await other.getByRole("heading", { name: "Both of us" }).waitFor();
  await b.list.getByRole("link", { name: "Both of us" }).waitFor();
  // Drafts of two tabs do not overwrite each other's boxes.
  await a.message.fill("in one");
  await b.message.fill("in two");
  assert.equal(await a.message.inputValue(), "in one");
  assert.equal(two, null);
  noFaults(window);
  await window.close();
});

test("a new tab gets the login from its sibling; signing out ends both", async () => {
  const window = await world.window();
  const one = await window.open("/");
  await on(one).message.waitFor();
  const two = await window.context.newPage();
  // The script that signs in by itself is for the first tab only.
  await two.addInitScript(() => sessionStorage.removeItem("gpt-assistant:token"));
  await two.goto("/");
  await on(two).message.waitFor();
  await on(one).role("button", "More").last().click();
  await one.getByRole("menuitem", { name: "Sign out" }).click();
  await one.getByRole("button", { name: "Sign in" }).waitFor();
  await two.getByRole("button", { name: "Sign in" }).waitFor();
  for (const page of [one, two]) {
    const kept = await page.evaluate(() => [...Object.keys(localStorage), ...Object.keys(sessionStorage)].filter((key) => key.endsWith(":token")));
    assert.deepEqual(kept, [], "W7: no token is left");
  }
  noFaults(window);
  await window.close();
});

test("a login that ends costs no draft: one signs in again and goes on where one was", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  await p.chat("hello");
  const address = page.url();
  await p.message.fill("half a thought");
  await window.person.call("/logout-all", { method: "POST" });
  await p.message.press("Enter");
  await page.getByText("Please sign in again. Your draft is kept.").waitFor();
  await page.getByRole("textbox", { name: "Email" }).fill(window.person.email);
  await page.getByRole("textbox", { name: "Password" }).fill(window.person.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await p.turn(0).getByText("You asked: hello").waitFor();
  assert.equal(page.url(), address);
  assert.equal(await p.message.inputValue(), "half a thought");
  noFaults(window);
  await window.close();
});

test("a login that ends while an answer is followed shows the door within seconds", async () => {
  const { open, window, page, p } = await halfway(4);
  await window.person.call("/logout-all", { method: "POST" });
  await page.getByText("Please sign in again.").waitFor({ timeout: 8000 });
  open.open();
  noFaults(window);
  await window.close();
});
