// What the page costs: bytes and requests, the first paint, and the longest task in a long conversation.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openWindow } from "../support/browser.js";
import { startServer } from "../support/server.js";
import { watchTasks, within } from "../support/tasks.js";
import { createWorld, eventually, noFaults, on } from "../support/world.js";

const world = createWorld();
const told = (words) => process.env.FIGURES && console.log(`FIGURE ${words}`);

/** Counts what a page asks for until it is quiet. */
async function load(context, path) {
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  const seen = { files: 0, calls: 0, bytes: 0, urls: [] };
  const kinds = new Map();
  session.on("Network.requestWillBeSent", ({ requestId, request }) => {
    kinds.set(requestId, request.url);
  });
  session.on("Network.responseReceived", ({ requestId, response }) => {
    if (response.fromDiskCache || response.fromPrefetchCache || response.fromServiceWorker || !/^https?:/.test(response.url)) kinds.delete(requestId);
  });
  session.on("Network.requestServedFromCache", ({ requestId }) => kinds.delete(requestId));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const url = kinds.get(requestId);
    if (!url || !/^https?:/.test(url)) return;
    if (url.includes("/api/")) seen.calls++;
    else {
      seen.files++;
      seen.bytes += encodedDataLength;
      seen.urls.push(new URL(url).pathname);
    }
  });
  await page.goto(path);
  await page.locator("html[data-ready]").waitFor({ state: "attached" });
  await page.waitForLoadState("networkidle");
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0);
  return { page, paint, ...seen };
}

/** Opens an address twice in a new window, and holds what that asks for. */
async function weigh(name, window, path) {
  const cold = await load(window.context, path);
  const warm = await load(window.context, path);
  told(`${name}: ${cold.files} files, ${cold.calls} calls, ${(cold.bytes / 1000).toFixed(1)} KB cold; ${warm.files} file warm; paint ${Math.round(cold.paint)} ms cold, ${Math.round(warm.paint)} ms warm`);
  assert.ok(cold.files <= 30, `${cold.files} files: ${cold.urls.join(" ")}`);
  assert.ok(cold.bytes <= 100_000, `${cold.bytes} bytes`);
  assert.ok(warm.files <= 1, `${warm.urls.join(" ")}`);
  noFaults(window);
  return cold.page;
}

for (const [name, path] of [["sign in", "/login"], ["empty chat", "/"], ["a conversation", "/chat/ID"], ["statistics", "/stats"], ["settings", "/settings"], ["administration", "/admin"]]) {
  test(`at most 100 KB and 30 requests when it is new, one when it is known: ${name}`, async () => {
    world.upstream.answer = world.upstream.usual;
    const person = name === "administration" ? world.admin : await world.server.person();
    const { conversation_id: id } = await person.ask("hello");
    // The service worker is let out: it keeps files for later, after the page stands.
    const window = await world.window({ person: name === "sign in" ? null : person, serviceWorkers: "block" });
    await weigh(name, window, path.replace("ID", id));
    await window.close();
  });
}

test("at most 100 KB and 30 requests when it is new, one when it is known: empty chat of an administrator who is alone", async () => {
  const server = await startServer();
  try {
    const window = await openWindow(world.chromium.browser, server, { person: await server.person(), serviceWorkers: "block" });
    const page = await weigh("alone", window, "/");
    await page.getByRole("button", { name: "Invite your family" }).waitFor();
    await window.close();
  } finally {
    await server.stop();
  }
});

test("the first paint comes soon: within 150 ms where nobody else has the machine (PAINT_MS=150 holds the middle one of some tries)", async () => {
  const person = await world.server.person();
  const paints = [];
  for (let time = 0; time < 5; time++) {
    const window = await world.window({ person, serviceWorkers: "block" });
    paints.push((await load(window.context, "/")).paint);
    await window.close();
  }
  paints.sort((a, b) => a - b);
  told(`first paint, cold, five windows: ${paints.map(Math.round).join(" ")} ms`);
  // A busy machine takes longer; there only the best try is held, to a floor.
  const [judged, most] = process.env.PAINT_MS ? [paints[2], Number(process.env.PAINT_MS)] : [paints[0], 400];
  assert.ok(judged <= most, paints.join(" "));
});

test("2,000 turns: opened at once, scrolled and typed in without a long task", async (t) => {
  const person = await world.server.person();
  const answer = "A short answer with **bold**, `code` and\n\n- one\n- two\n";
  // In our own form, so that each turn has its figures below it.
  const begun = 1_760_000_000;
  const turns = Array.from({ length: 2000 }, (_, at) => ({
    id: at + 1, parent_id: at || null, prompt: `Question ${at + 1}`, response: answer, status: "complete", model: "small-model", created: begun + at, finished: begun + at,
    usage: { prompt_tokens: 20, completion_tokens: 30, total_tokens: 50, source: "measured" }, paid_by: "shared",
  }));
  const conversation = { id: 1, title: "Question 1", created: begun, updated: begun + 2000, current_turn_id: 2000 };
  const { id } = await person.call("/import", { method: "POST", body: { format: "gpt-assistant conversation", version: 1, conversation, turns } });
  await eventually(async () => assert.equal((await person.call(`/import/${id}`)).status, "done"), 30_000);
  const window = await world.window({ person });
  const page = await window.open("/");
  const p = on(page);
  const started = Date.now();
  await p.list.getByRole("link", { name: "Question 1" }).click();
  await p.turns.last().getByText("Question 2000").first().waitFor();
  told(`2,000 turns: shown in ${Date.now() - started} ms`);
  assert.ok(await p.turns.count() <= 100, "not all at once");
  assert.match(await p.turns.last().textContent(), /50 tokens.*shared key/);
  const longest = await watchTasks(world.chromium.browser, page);
  await page.locator("#chat .scroll").hover();
  for (let step = 0; step < 60; step++) {
    await page.mouse.wheel(0, -1200);
    await page.waitForTimeout(16);
  }
  await page.waitForTimeout(400);
  assert.ok(await p.turns.count() >= 150, `${await p.turns.count()} turns came as one scrolled`);
  await p.message.pressSequentially("typing in a long conversation", { delay: 5 });
  const task = await longest();
  within(t, "2,000 turns, scrolling and typing", task);
  // Back to the oldest: every page of it can be reached.
  await page.locator("#chat .scroll").evaluate((scroller) => new Promise((reached) => {
    const up = () => {
      scroller.scrollTo(0, 0);
      if (scroller.querySelector(".turn h2").textContent === "Turn 1: Question 1") reached();
      else requestAnimationFrame(up);
    };
    up();
  }));
  noFaults(window);
  await window.close();
});
