// Asking and being answered, and all that one can do with a turn.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createWorld, eventually, gate, noFaults, on } from "../support/world.js";

const world = createWorld();

for (const size of ["desktop", "phone"]) {
  test(`a question is answered block by block, and is there again after a reload (${size})`, async () => {
    const [first, second] = [gate(), gate()];
    world.upstream.answer = async (a) => {
      await a.pieces("A **bold** word.\n\nSecond par", 3);
      await first.opened;
      await a.pieces("agraph.\n\n```js\nlet x = 1 < 2;\n```\n", 3);
      await second.opened;
      await a.end();
    };
    const window = await world.window({ size });
    const page = await window.open("/");
    const p = on(page);
    await p.ask("What is bold?");
    await p.turn(0).getByText("What is bold?").first().waitFor();
    await p.turn(0).locator("strong").getByText("bold").waitFor();
    await p.turn(0).getByText("Second par", { exact: true }).waitFor();
    await p.stop.waitFor();
    assert.equal(await p.message.inputValue(), "");
    assert.match(page.url(), /\/chat\/\d+$/);
    first.open();
    await p.turn(0).getByRole("button", { name: "Copy code" }).waitFor();
    second.open();
    await p.send.waitFor();
    await p.turn(0).getByText("small-model · 50 tokens").waitFor({ state: size === "phone" ? "attached" : "visible" });
    const html = () => p.turn(0).locator(".answer").innerHTML();
    const grown = await html();
    await page.reload();
    await p.turn(0).getByRole("button", { name: "Copy", exact: true }).waitFor();
    assert.equal(await html(), grown, "what grew is what was stored");
    if (size === "desktop") await p.list.getByRole("link", { name: "What is bold?" }).waitFor();
    noFaults(window);
    await window.close();
  });
}

test("C21: stop keeps what came, and one can go on from there", async () => {
  let closed = false;
  world.upstream.answer = async (a) => {
    a.response.on("close", () => {
      closed = true;
    });
    await a.pieces("One two three", 4);
    await a.wait(60_000);
  };
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  await p.ask("Count");
  await p.turn(0).getByText("One two three").waitFor();
  await page.keyboard.press("Escape");
  await p.turn(0).getByText("You stopped this answer.").waitFor();
  await eventually(() => assert.ok(closed, "the upstream's line is closed"), 2000);
  world.upstream.answer = world.upstream.usual;
  await p.turn(0).getByRole("button", { name: "Go on from here" }).click();
  await p.turn(1).getByText("You asked: Please go on.").waitFor();
  assert.equal(await p.turns.count(), 2);
  noFaults(window);
  await window.close();
});

test("retry and edit make versions, and the arrows lead between them", async () => {
  let count = 0;
  world.upstream.answer = async (a) => {
    await a.text(`Answer ${++count} to ${a.question}`);
    await a.end();
  };
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  await p.chat("first question");
  await p.chat("follow-up");
  await p.turn(0).hover();
  await p.turn(0).getByRole("button", { name: "Retry" }).click();
  await p.turn(0).getByText("Answer 3 to first question").waitFor();
  await eventually(async () => assert.equal(await p.turns.count(), 1));
  await p.turn(0).getByText("2 / 2").waitFor();
  await p.turn(0).getByRole("button", { name: "Previous version" }).click();
  await p.turn(1).getByText("Answer 2 to follow-up").waitFor();
  await p.turn(0).getByText("1 / 2").waitFor();

  await p.turn(0).hover();
  await p.turn(0).getByRole("button", { name: "Edit" }).click();
  const field = page.getByRole("textbox", { name: "Edit question" });
  await page.getByText("The old version stays: 2 / 3").waitFor();
  await field.fill("another question");
  await page.keyboard.press("Control+Enter");
  await p.turn(0).getByText("Answer 4 to another question").waitFor();
  await p.turn(0).getByText("3 / 3").waitFor();
  await page.keyboard.press("Escape");
  await p.turn(0).getByRole("button", { name: "Copy", exact: true }).focus();
  await page.keyboard.press("Alt+ArrowLeft");
  await p.turn(0).getByText("Answer 3 to first question").waitFor();
  await page.reload();
  await p.turn(0).getByText("2 / 3").waitFor();
  noFaults(window);
  await window.close();
});

test("an edit that is left asks when something changed", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  await p.chat("hello");
  // The arrow upward in an empty box edits the last question.
  await p.message.press("ArrowUp");
  const field = page.getByRole("textbox", { name: "Edit question" });
  await field.fill("hello you");
  await field.press("Escape");
  await page.getByRole("dialog").getByRole("button", { name: "Go on writing" }).click();
  assert.equal(await field.inputValue(), "hello you");
  await field.press("Escape");
  await page.getByRole("button", { name: "Drop it" }).click();
  await p.turn(0).getByText("hello", { exact: true }).waitFor();
  noFaults(window);
  await window.close();
});

test("a deleted turn goes with what follows, and comes back by Undo", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  for (const text of ["one", "two", "three"]) await p.chat(text);
  const remove = async () => {
    await p.turn(1).hover();
    await p.turn(1).getByRole("button", { name: "Delete" }).click();
    await page.getByText("Deleted, with 2 turns in all.").waitFor();
    assert.equal(await p.turns.count(), 1);
  };
  await remove();
  await page.getByRole("button", { name: "Undo" }).click();
  await p.turn(2).getByText("You asked: three").waitFor();
  await remove();
  // Whoever leaves has not undone it.
  await page.goto("/settings");
  const id = Number((await window.person.call("/conversations")).conversations[0].id);
  await eventually(async () => assert.equal((await window.person.call(`/conversations/${id}`)).turns.length, 1));
  noFaults(window);
  await window.close();
});

test("C17: copying gives the Markdown source, and code exactly as it stands, while another block still grows", async () => {
  const open = gate();
  const source = "Look:\n\n```rust\nif a < b && c > \"d\" { v.push('é'); }\n```\n\n```\n\tx\n```\n\n```js\n";
  world.upstream.answer = async (a) => {
    await a.pieces(source, 7);
    await a.text("let grows");
    await open.opened;
    await a.text(" = 1;\n```\n");
    await a.end();
  };
  const window = await world.window({ permissions: ["clipboard-read", "clipboard-write"] });
  const page = await window.open("/");
  const p = on(page);
  await p.ask("Code, please");
  await p.turn(0).getByText("let grows").waitFor();
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await p.turn(0).getByRole("button", { name: "Copy code" }).nth(1).click();
  await p.turn(0).getByText("Copied").waitFor();
  assert.equal(await clipboard(), "\tx");
  await p.turn(0).getByRole("button", { name: "Copy code" }).nth(0).click();
  await eventually(async () => assert.equal(await clipboard(), "if a < b && c > \"d\" { v.push('é'); }"));
  open.open();
  await p.send.waitFor();
  await p.turn(0).getByRole("button", { name: "Copy", exact: true }).click();
  await eventually(async () => assert.equal(await clipboard(), `${source}let grows = 1;\n\`\`\`\n`));
  await page.keyboard.press("Alt+c");
  noFaults(window);
  await window.close();
});

test("thinking is folded, streams when it is opened, and is said with its seconds", async () => {
  const open = gate();
  world.upstream.answer = async (a) => {
    await a.reason("First I look at ");
    await open.opened;
    await a.reason("the *clock*.");
    await a.text("It is noon.");
    await a.end();
  };
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  await p.ask("What time is it?");
  const summary = p.turn(0).getByText(/^Thinking, \d+ s$/);
  await summary.waitFor();
  assert.equal(await p.turn(0).getByText("First I look at").isVisible(), false);
  await summary.click();
  await p.turn(0).getByText("First I look at").waitFor();
  open.open();
  await p.turn(0).getByText("It is noon.").waitFor();
  await p.turn(0).getByText(/^Thought for \d+ seconds?$/).waitFor();
  await page.reload();
  await p.turn(0).getByText("Thoughts").click();
  await p.turn(0).locator("em").getByText("clock").waitFor();
  noFaults(window);
  await window.close();
});

test("how answers end: each says what happened and what to do", async () => {
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  const end = async (answer, question) => {
    world.upstream.answer = answer;
    await p.ask(question);
    await p.send.waitFor({ timeout: 10_000 });
    return p.turns.last();
  };
  let turn = await end(async (a) => {
    await a.pieces("Dear Madam", 3);
    a.drop();
  }, "translate");
  await turn.getByText("The model service broke off. What had arrived is kept.").waitFor();
  await turn.getByRole("button", { name: "Retry" }).first().waitFor();
  turn = await end(async (a) => {
    await a.text("half of it");
    await a.end("length");
  }, "long");
  await turn.getByText("The model stopped at its length limit.").waitFor();
  turn = await end((a) => a.refuse(401, { error: { message: "Incorrect API key provided: sk-12**45", code: "invalid_api_key" } }), "key");
  await turn.getByText("The model service did not accept your API key.").waitFor();
  await turn.getByText(/upstream_key_rejected/).waitFor();
  assert.ok(page.url().includes("/chat/"), "C14: an upstream's 401 ends no login");
  turn = await end((a) => a.refuse(404, { error: { message: "The model does not exist", code: "model_not_found" } }), "model");
  await turn.getByRole("button", { name: "Choose another model" }).click();
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Model");
  world.upstream.answer = world.upstream.usual;
  await page.keyboard.press("Escape");
  await turn.getByRole("button", { name: "Retry" }).first().click();
  await p.turns.last().getByText("You asked: model").waitFor();
  turn = await end((a) => a.end(), "empty");
  await turn.getByRole("button", { name: "Retry" }).first().waitFor();
  await window.person.call("/user");
  noFaults(window);
  await window.close();
});

test("C14: a refused message is in the box again, with the reason beside it", async () => {
  const server = world.server;
  const person = await server.person();
  const window = await world.window({ person });
  const page = await window.open("/");
  const p = on(page);
  world.upstream.answer = world.upstream.usual;
  await p.chat("hello");
  // The conversation goes while one writes in it.
  const [{ id }] = (await person.call("/conversations")).conversations;
  await person.call(`/conversations/${id}?permanent=true`, { method: "DELETE" });
  await p.ask("words that must not be lost");
  await eventually(async () => assert.equal(await p.message.inputValue(), "words that must not be lost"));
  await page.getByText("There is nothing here any more.").first().waitFor();
  noFaults(window);
  await window.close();
});

test("the model that is chosen is the one that answers; settings of a new chat become the conversation's", async () => {
  world.upstream.answer = async (a) => {
    await a.text(`I am ${a.body.model}, ${a.body.temperature}, ${a.body.messages[0].content}`);
    await a.end();
  };
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  await page.getByRole("combobox", { name: "Model" }).selectOption("large-model");
  await p.role("button", "Conversation settings").click();
  await page.getByRole("textbox", { name: "System prompt" }).fill("Be short.");
  await page.getByRole("slider", { name: "Temperature" }).fill("0.3");
  await page.keyboard.press("Escape");
  await p.chat("who are you?");
  await p.turn(0).getByText("I am large-model, 0.3, Be short.").waitFor();
  await eventually(async () => {
    const [item] = (await window.person.call("/conversations")).conversations;
    assert.deepEqual([item.model, item.system_prompt, item.params.temperature], ["large-model", "Be short.", 0.3]);
  });
  await page.reload();
  await p.chat("and now?");
  await p.turn(1).getByText("I am large-model, 0.3, Be short.").waitFor();
  noFaults(window);
  await window.close();
});
