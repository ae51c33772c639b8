// axe finds nothing in any view, theme and language; everything can be done by keyboard, with the focus in sight.

import assert from "node:assert/strict";
import { test } from "node:test";
import { check } from "../support/axe.js";
import { createWorld, gate, noFaults, on } from "../support/world.js";

const world = createWorld();

const ANSWER = "A **bold** answer.\n\n# Heading\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n```js\nlet x = \"y\"; // note\n```\n\n- one\n- [ ] two\n\n> quote\n\n$$x^2$$\n\n[link](https://example.org/) and `code`.\n";

const views = (words) => [
  ["chat", "/chat/ID", null],
  ["menu", null, async (page) => page.getByRole("button", { name: words.more, exact: true }).first().click()],
  ["empty", "/", null],
  ["palette", null, async (page) => {
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog").getByRole("option").first().waitFor();
  }],
  ["shortcuts", null, async (page) => {
    await page.keyboard.press("Escape");
    await page.locator("#chat .scroll").click({ position: { x: 5, y: 5 } });
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
  }],
  ["conversation settings", null, async (page) => {
    await page.keyboard.press("Escape");
    await page.keyboard.press("Alt+,");
    await page.getByRole("dialog").waitFor();
    await page.getByRole("dialog").locator("summary").click();
  }],
  ["settings", "/settings", null],
  ["password", null, async (page) => page.getByRole("button", { name: words.changePassword }).click()],
  ["stats", "/stats", async (page) => page.getByRole("table").waitFor()],
  ["lost", "/chat/999999", async (page) => page.getByRole("heading", { name: words.lost }).waitFor()],
];
const WORDS = { en: { more: "More", changePassword: "Change password", lost: "There is no such page." }, "zh-CN": { more: "更多", changePassword: "修改密码", lost: "没有这个页面。" } };

for (const language of ["en", "zh-CN"]) {
  for (const theme of ["light", "dark"]) {
    for (const size of language === "en" ? ["desktop", "phone"] : ["phone"]) {
      test(`axe finds nothing (${language}, ${theme}, ${size})`, async () => {
        world.upstream.answer = async (a) => {
          await a.reason("Some thought.");
          await a.text(ANSWER);
          await a.end();
        };
        const person = await world.server.person();
        const { conversation_id: id } = await person.ask("What is it?");
        for (const question of ["And then?", "And now?"]) await person.ask(question, { conversation_id: id });
        const window = await world.window({ person, language, theme, size });
        const told = [];
        const page = await window.open("/");
        for (const [view, path, prepare] of views(WORDS[language])) {
          if (path) {
            await page.goto(path.replace("ID", id));
            await page.locator("html[data-ready]").waitFor({ state: "attached" });
            await page.waitForTimeout(150);
          }
          if (view === "menu" && size === "phone") continue;
          await prepare?.(page);
          told.push(...await check(page, view));
        }
        await window.close();
        const out = await world.window({ person: null, language, theme, size });
        for (const path of ["/login", "/register"]) {
          const door = await out.open(path);
          told.push(...await check(door, path));
          await door.locator("form button[type=submit]").click();
          await door.waitForTimeout(100);
          told.push(...await check(door, `${path} with faults`));
        }
        await out.close();
        assert.deepEqual(told, []);
        noFaults(window);
      });
    }
  }
}

test("axe finds nothing in the states of a turn", async () => {
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  const told = [];
  const open = gate();
  world.upstream.answer = async (a) => {
    await a.reason("hm");
    await open.opened;
    await a.text("half an ans");
    a.drop();
  };
  await p.ask("one");
  await p.turn(0).getByText(/Thinking/).waitFor();
  told.push(...await check(page, "thinking"));
  open.open();
  await p.turn(0).getByText("The model service broke off.").waitFor();
  told.push(...await check(page, "interrupted"));
  world.upstream.answer = (a) => a.refuse(401, { error: { message: "no", code: "invalid_api_key" } });
  await p.ask("two");
  await p.turn(1).getByText("did not accept your API key").waitFor();
  await p.message.press("ArrowUp");
  told.push(...await check(page, "failed, and an edit"));
  assert.deepEqual(told, []);
  noFaults(window);
  await window.close();
});

test("a conversation by keyboard alone, with the focus in sight at every step", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  const seen = () => page.evaluate(() => {
    const element = document.activeElement;
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    const holder = element.closest(".composer, label");
    const isRinged = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 || holder && (getComputedStyle(holder).borderColor !== "" || getComputedStyle(holder).outlineStyle !== "none");
    return { name: element.getAttribute("aria-label") ?? element.textContent.trim().slice(0, 30), isIn: box.width > 0 && box.bottom > 0 && box.top < innerHeight, isRinged: Boolean(isRinged) };
  });
  await page.keyboard.press("Tab");
  assert.match((await seen()).name, /Skip to the message box/);
  await page.keyboard.press("Enter");
  assert.equal((await seen()).name, "Message");
  await page.keyboard.type("by keyboard");
  await page.keyboard.press("Enter");
  await p.turn(0).getByText("You asked: by keyboard").waitFor();
  await p.send.waitFor();
  assert.equal((await seen()).name, "Message", "after sending the focus stays in the box");
  // Backwards out of the box, through the turn's tools.
  const names = [];
  for (let step = 0; step < 12; step++) {
    await page.keyboard.press("Shift+Tab");
    const now = await seen();
    names.push(now.name);
    assert.ok(now.isIn && now.isRinged, JSON.stringify(now));
  }
  for (const tool of ["Delete", "Edit", "Retry", "Copy"]) assert.ok(names.includes(tool), `${tool} is among ${names}`);
  noFaults(window);
  await window.close();
});

test("forced colours, more contrast and reduced motion: carets and strokes are seen, nothing moves", async () => {
  const open = gate();
  world.upstream.answer = async (a) => {
    await a.text("Some words\n\n");
    await open.opened;
    await a.end();
  };
  const window = await world.window({ forcedColors: "active", reducedMotion: "reduce", contrast: "more" });
  const page = await window.open("/");
  const p = on(page);
  await p.ask("colours");
  await p.turn(0).getByText("Some words").waitFor();
  const state = await page.evaluate(() => {
    const caret = document.querySelector(".answer .caret");
    return { animation: getComputedStyle(caret).animationName, duration: getComputedStyle(document.documentElement).getPropertyValue("--calm").trim(), colour: getComputedStyle(caret).backgroundColor };
  });
  assert.equal(state.animation, "none");
  assert.equal(state.duration, "0ms");
  assert.notEqual(state.colour, "rgba(0, 0, 0, 0)");
  open.open();
  await p.send.waitFor();
  noFaults(window);
  await window.close();
});
