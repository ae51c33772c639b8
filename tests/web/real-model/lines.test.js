// Lost networks, a closed lid and a killed server, with a real model behind: `tools/test model` starts both. What a person
// sees in the end is what the server has, letter by letter.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createWorld, eventually, noFaults, on } from "../support/world.js";

const { MODEL_URL, MODEL_KEY, MODEL_NAME } = process.env;
assert.ok(MODEL_URL && MODEL_KEY && MODEL_NAME, "MODEL_URL, MODEL_KEY and MODEL_NAME say which model");
const world = createWorld({ key: MODEL_KEY, settings: { UPSTREAM__BASE_URL: MODEL_URL, UPSTREAM__DEFAULT_MODEL: MODEL_NAME } });

const letters = (text) => text.replace(/\P{L}/gu, "");

/** Asks for something long, and waits for its first words. */
async function begin(window) {
  const page = await window.open("/");
  const p = on(page);
  await p.ask("Tell me a long story about a lighthouse keeper, in many sentences, and without any list or code.");
  await eventually(async () => assert.ok(letters(await p.turn(0).locator(".answer").innerText()).length > 20), 60_000);
  assert.ok(await p.stop.isVisible(), "it goes on");
  return { page, p };
}

/** The turn as the server has it, once it has ended. A model that knows no end is stopped after a while from elsewhere. */
async function stored(window) {
  const { call } = window.person;
  const last = async () => {
    const { conversations: [{ id }] } = await call("/conversations");
    return (await call(`/conversations/${id}`)).turns.at(-1);
  };
  const end = Date.now() + 3000;
  for (;;) {
    const turn = await last();
    if (turn.status !== "streaming") return turn;
    if (Date.now() > end) return await call(`/chat/${turn.id}/stop`, { method: "POST" });
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const hasEnded = (turn) => assert.match(turn.status, /^(complete|stopped)$/);

/** The page shows all of it. */
async function isShown(p, turn) {
  await eventually(async () => assert.equal(letters(await p.turn(0).locator(".answer").innerText()), letters(turn.response)), 20_000);
}

test("the network goes in mid answer and comes again", async () => {
  const window = await world.window({ hasLine: true });
  const { page, p } = await begin(window);
  window.line.cut();
  await page.getByText("No connection. The answer goes on at the server").waitFor({ timeout: 12_000 });
  window.line.mend();
  const turn = await stored(window);
  hasEnded(turn);
  await isShown(p, turn);
  await p.send.waitFor();
  noFaults(window);
  await window.close();
});

test("the lid is closed until the answer is long over", async () => {
  const window = await world.window();
  const { p, page } = await begin(window);
  const session = await window.context.newCDPSession(page);
  await session.send("Page.setWebLifecycleState", { state: "frozen" });
  const turn = await stored(window);
  hasEnded(turn);
  await session.send("Page.setWebLifecycleState", { state: "active" });
  await isShown(p, turn);
  await p.send.waitFor();
  noFaults(window);
  await window.close();
});

test("the server is killed in mid answer and started again", async () => {
  const window = await world.window();
  const { p } = await begin(window);
  const seen = letters(await p.turn(0).locator(".answer").innerText());
  // What is a quarter of a second old is saved.
  await new Promise((resolve) => setTimeout(resolve, 400));
  await world.server.kill("SIGKILL");
  await world.server.start(world.server.port);
  const turn = await stored(window);
  assert.equal(turn.status, "interrupted");
  assert.ok(letters(turn.response).startsWith(seen.slice(0, -4)), "what was seen is kept");
  await isShown(p, turn);
  await p.send.waitFor();
  await p.turn(0).getByRole("button", { name: "Retry" }).first().click();
  await p.stop.waitFor();
  hasEnded(await stored(window));
  noFaults(window);
  await window.close();
});
