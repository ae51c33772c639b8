// Reading: the page stays where the reader put it, follows only as far as she wants, and nothing ever widens it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createWorld, eventually, gate, noFaults, on } from "../support/world.js";

const world = createWorld();

const scroller = (page) => page.evaluate(() => {
  const element = document.querySelector("#chat .scroll");
  return { top: element.scrollTop, end: element.scrollHeight - element.clientHeight - element.scrollTop };
});
const below = (locator) => locator.evaluate((element) => element.getBoundingClientRect().top - element.closest(".scroll").getBoundingClientRect().top);
const lines = (from, to) => Array.from({ length: to - from + 1 }, (_, at) => `Line ${from + at} of the answer.\n\n`).join("");

for (const size of ["desktop", "phone"]) {
  test(`C28: it follows until the question stands near the top, and holds; whoever scrolls is left alone (${size})`, async () => {
    const [half, rest, last] = [gate(), gate(), gate()];
    world.upstream.answer = world.upstream.usual;
    const window = await world.window({ size });
    await window.person.ask("an earlier question");
    world.upstream.answer = async (a) => {
      await a.pieces(lines(1, 30), 30, 2);
      await half.opened;
      await a.pieces(`${lines(31, 60)}| a | b |\n|---|---|\n| 1 | 2 |\n\n\`\`\`js\nlet x = 1;\n\`\`\`\n\n$$x^2$$\n\n`, 30, 2);
      await rest.opened;
      await a.pieces(lines(61, 90), 30, 2);
      await last.opened;
      await a.end();
    };
    const page = await window.open("/chat/" + (await window.person.call("/conversations")).conversations[0].id);
    const p = on(page);
    await p.ask("a long one");
    await p.turn(1).getByText("Line 30 of the answer.").waitFor({ state: "attached" });
    await page.waitForTimeout(300);
    const held = await below(p.turn(1));
    assert.ok(Math.abs(held - 80) <= 2, `the question is held at 80, not at ${held}`);
    await p.role("button", "Latest").waitFor();

    // The reader goes up: nothing moves her any more.
    await page.locator("#chat .scroll").hover();
    await page.mouse.wheel(0, 300);
    await page.waitForTimeout(100);
    await page.mouse.wheel(0, -200);
    await page.waitForTimeout(200);
    const first = await scroller(page);
    half.open();
    await p.turn(1).getByText("let x = 1;").waitFor({ state: "attached" });
    await page.waitForTimeout(300);
    assert.ok(Math.abs((await scroller(page)).top - first.top) <= 2, "she stays where she is");

    // At the very end it follows again.
    await p.role("button", "Latest").click();
    rest.open();
    await p.turn(1).getByText("Line 90 of the answer.").waitFor();
    await page.waitForTimeout(200);
    assert.ok((await scroller(page)).end <= 2, "it follows to the very end");
    await page.mouse.wheel(0, -400);
    await page.waitForTimeout(200);
    const second = await scroller(page);
    last.open();
    await p.send.waitFor();
    await page.waitForTimeout(300);
    assert.ok(Math.abs((await scroller(page)).top - second.top) <= 2, "also when the last rendering takes the draft's place");
    noFaults(window);
    await window.close();
  });
}

test("C28: a selection survives while the answer goes on", async () => {
  const open = gate();
  world.upstream.answer = async (a) => {
    await a.pieces("First words of it.\n\nSecond words", 5, 3);
    await open.opened;
    await a.pieces(" and **more**.\n\nThe end.\n", 5, 3);
    await a.end();
  };
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  await p.ask("select");
  await p.turn(0).getByText("Second words").waitFor();
  const select = (text) => page.evaluate((words) => {
    const walker = document.createTreeWalker(document.querySelector(".answer"), NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const at = walker.currentNode.data.indexOf(words);
      if (at < 0) continue;
      getSelection().setBaseAndExtent(walker.currentNode, at, walker.currentNode, at + words.length);
    }
  }, text);
  await select("Second");
  open.open();
  await p.send.waitFor();
  await page.waitForTimeout(200);
  assert.equal(await page.evaluate(() => getSelection().toString()), "Second");
  await page.evaluate(() => getSelection().removeAllRanges());
  await p.turn(0).locator("strong").getByText("more").waitFor();
  await p.turn(0).getByText("The end.").waitFor();
  noFaults(window);
  await window.close();
});

test("opening a conversation goes where one was in it, else to the last question", async () => {
  world.upstream.answer = async (a) => {
    await a.text(lines(1, 30));
    await a.end();
  };
  const window = await world.window();
  for (const prompt of ["one", "two", "three"]) await window.person.ask(prompt, prompt === "one" ? {} : { conversation_id: (await window.person.call("/conversations")).conversations[0].id });
  await window.person.ask("other talk");
  const page = await window.open("/");
  const p = on(page);
  await p.list.getByRole("link", { name: "one" }).click();
  await p.turn(2).getByText("three").first().waitFor();
  await eventually(async () => assert.ok(Math.abs(await below(p.turn(2)) - 80) <= 2));
  await page.locator("#chat .scroll").hover();
  await page.mouse.wheel(0, -900);
  await page.waitForTimeout(500);
  const before = await below(p.turn(1));
  await p.list.getByRole("link", { name: "other talk" }).click();
  await p.turn(0).getByText("other talk").first().waitFor();
  await page.goBack();
  await p.turn(1).getByText("two").first().waitFor();
  await eventually(async () => assert.ok(Math.abs(await below(p.turn(1)) - before) <= 3, `${await below(p.turn(1))} is not ${before}`));
  await page.keyboard.press("Alt+ArrowDown");
  await eventually(async () => assert.ok(Math.abs(await below(p.turn(2)) - 80) <= 2, `at ${await below(p.turn(2))}`));
  await page.keyboard.press("Alt+ArrowUp");
  await eventually(async () => assert.ok(Math.abs(await below(p.turn(1)) - 80) <= 2));
  await page.getByRole("navigation", { name: "Questions" }).getByRole("link", { name: "one" }).click();
  await eventually(async () => assert.ok(await below(p.turn(0)) > -5));
  noFaults(window);
  await window.close();
});

const WIDE = `A ${"long-unbroken-".repeat(60)} word, \`${"code".repeat(80)}\`, https://example.org/${"a".repeat(300)}\n\n\`\`\`\n${"x".repeat(400)}\n\`\`\`\n\n| ${"head | ".repeat(12)}\n|${"---|".repeat(12)}\n| ${"some words of it | ".repeat(12)}\n\n$$${"x_{1}+".repeat(60)}1$$\n`;

test("nothing widens the page: 320, 390, 820, 1280 px, and twice the size of letters", async () => {
  world.upstream.answer = async (a) => {
    await a.text(WIDE);
    await a.end();
  };
  for (const size of ["narrow", "phone", "tablet", "desktop"]) {
    const window = await world.window({ size });
    const page = await window.open("/");
    const p = on(page);
    await p.chat(`question ${"unbroken".repeat(40)}`);
    const widths = () => page.evaluate(() => [document.documentElement.scrollWidth - innerWidth, document.querySelector("#chat .scroll").scrollWidth - document.querySelector("#chat .scroll").clientWidth]);
    assert.deepEqual(await widths(), [0, 0], size);
    await page.evaluate(() => {
      document.documentElement.style.fontSize = "200%";
    });
    await page.waitForTimeout(150);
    assert.deepEqual(await widths(), [0, 0], `${size}, twice`);
    for (const path of ["/settings", "/stats"]) {
      await page.goto(path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.waitForTimeout(200);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0, `${path} ${size}`);
    }
    noFaults(window);
    await window.close();
  }
});

test("the frame stays where it is: only the turns scroll", async () => {
  world.upstream.answer = async (a) => {
    await a.text(lines(1, 60));
    await a.end();
  };
  for (const size of ["desktop", "phone"]) {
    const window = await world.window({ size });
    const page = await window.open("/");
    await on(page).chat("a long one");
    await page.locator(".answer > p").last().evaluate((element) => element.scrollIntoView());
    await page.evaluate(() => scrollTo(0, 1000));
    assert.deepEqual(await page.evaluate(() => [scrollY, document.querySelector(".shell").getBoundingClientRect().top, document.documentElement.scrollHeight - innerHeight]), [0, 0, 0], size);
    await window.close();
  }
});

test("C30: direction is each block's own; question, list and title too", async () => {
  world.upstream.answer = async (a) => {
    await a.text("`./run.sh -v` سپس این را اجرا کن (۲ بار)!\n\n- یک\n- two\n\n```sh\nls -l /tmp\n```\n");
    await a.end();
  };
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  await p.chat("مرحبا world 123.");
  const direction = (locator) => locator.evaluate((element) => getComputedStyle(element).direction);
  assert.equal(await direction(p.turn(0)), "rtl");
  assert.equal(await direction(p.turn(0).locator(".question")), "rtl");
  assert.equal(await direction(p.turn(0).locator(".answer > p").first()), "rtl");
  assert.equal(await direction(p.turn(0).locator("li").nth(0)), "rtl");
  assert.equal(await direction(p.turn(0).locator("li").nth(1)), "ltr");
  assert.equal(await direction(p.turn(0).locator("pre")), "ltr");
  assert.equal(await direction(p.list.getByRole("link", { name: /مرحبا/ }).locator("span").first()), "rtl");
  assert.equal(await direction(page.locator("html")), "ltr");
  noFaults(window);
  await window.close();
});

test("C32: bold beside Chinese punctuation, streamed", async () => {
  const cases = ["这是**“取出并重置”模式**。", "这是**\"取出并重置\"（take-and-reset）模式**。", "**该星号不会被识别。**这是因为", "**复现：**10 轮对话", "含**「重点」**内容"];
  world.upstream.answer = async (a) => {
    await a.pieces(cases.join("\n\n"), 1);
    await a.end();
  };
  const window = await world.window({ language: "zh-CN" });
  const page = await window.open("/");
  await page.getByRole("textbox", { name: "消息" }).fill("粗体");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "复制", exact: true }).waitFor();
  assert.equal(await page.locator(".answer strong").count(), cases.length);
  assert.ok(!(await page.locator(".answer").textContent()).includes("*"));
  noFaults(window);
  await window.close();
});

test("long code is folded when a conversation is opened, and not while it is written", async () => {
  const code = Array.from({ length: 112 }, (_, at) => `let line${at} = ${at};`).join("\n");
  world.upstream.answer = async (a) => {
    await a.text(`\`\`\`js\n${code}\n\`\`\`\n`);
    await a.end();
  };
  const window = await world.window({ permissions: ["clipboard-read", "clipboard-write"] });
  const page = await window.open("/");
  const p = on(page);
  await p.chat("code");
  assert.equal(await page.getByText("let line111 = 111;").isVisible(), true);
  await page.reload();
  const more = page.getByRole("button", { name: "Show all 112 lines" });
  await more.waitFor();
  assert.equal(await page.getByText("let line23 = 23;").isVisible(), true);
  await page.getByRole("button", { name: "Copy code" }).click();
  await eventually(async () => assert.equal(await page.evaluate(() => navigator.clipboard.readText()), code, "what is folded is copied too"));
  await more.click();
  await page.getByText("let line111 = 111;").waitFor();
  noFaults(window);
  await window.close();
});

test("long lists, tables and paragraphs grow part by part, and are in the end what they are when they are opened", async () => {
  const items = Array.from({ length: 700 }, (_, at) => `- [${at % 2 ? "x" : " "}] item ${at} of *many*\n${at % 9 ? "" : `  - one within ${at}\n  - and another\n`}`).join("");
  const rows = Array.from({ length: 700 }, (_, at) => `| row ${at} | ${at * 7} | some *more* words |\n`).join("");
  const large = `1. ${"an item that is longer than all that is put in at once, ".repeat(700)}\n2. and a short one\n`;
  const poem = Array.from({ length: 900 }, (_, at) => `Line ${at} of **one** paragraph\n`).join("");
  const text = `${items}\nBetween them.\n\n| a | b | c |\n|---|---:|---|\n${rows}\n${large}\n${poem}`;
  world.upstream.answer = async (a) => {
    for (let at = 0; at < text.length && a.isOpen; at += 3000) {
      await a.text(text.slice(at, at + 3000));
      await a.wait(5);
    }
    await a.end();
  };
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  await p.ask("a long one");
  await page.locator(".turn .edit:not([hidden])").waitFor({ timeout: 30_000 });
  const divided = ["SPAN", "TABLE", "TBODY", "COLGROUP", "COL"];
  /** Words, and elements but for those by which a long paragraph and a long table are divided. */
  const shown = () => page.locator(".answer").evaluate((answer, without) => ({
    words: answer.textContent.replace(/\s+/g, " "),
    elements: [...answer.querySelectorAll("*")].map((element) => element.tagName).filter((tag) => !without.includes(tag)).join(" "),
    boxes: [...answer.querySelectorAll("input")].map((box) => box.ariaLabel).join(" "),
  }), divided);
  await eventually(async () => {
    const counts = await Promise.all(["> ul > li", "tbody tr", "> ol > li", "> p strong"].map((each) => page.locator(`.answer ${each}`).count()));
    assert.deepEqual(counts, [700, 700, 2, 900]);
  }, 20_000);
  const streamed = await shown();
  await page.reload();
  await p.turn(0).getByText("Between them.").waitFor({ state: "attached" });
  const opened = await shown();
  for (const what of Object.keys(opened)) assert.equal(streamed[what], opened[what], what);
  noFaults(window);
  await window.close();
});

test("C24: the box stays in what is seen while a keyboard is up; fields do not zoom", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window({ size: "phone" });
  const page = await window.open("/");
  const p = on(page);
  await p.chat("hello");
  await p.message.click();
  await p.message.fill("one\ntwo\nthree");
  for (const viewport of [{ width: 390, height: 500 }, { width: 844, height: 390 }, { width: 390, height: 844 }]) {
    await page.setViewportSize(viewport);
    await page.waitForTimeout(120);
    const box = await page.locator(".composer").boundingBox();
    assert.ok(box.y >= 0 && box.y + box.height <= viewport.height, `${JSON.stringify(box)} in ${JSON.stringify(viewport)}`);
    assert.ok(parseFloat(await p.message.evaluate((field) => getComputedStyle(field).fontSize)) >= 16);
  }
  noFaults(window);
  await window.close();
});

test("targets are at least 44 px for a finger", async () => {
  world.upstream.answer = async (a) => {
    await a.text("Text.\n\n```js\nlet x = 1;\n```\n");
    await a.end();
  };
  const window = await world.window({ size: "phone", person: world.admin });
  const page = await window.open("/");
  const p = on(page);
  await p.chat("hello");
  const small = () => page.evaluate(() => [...document.querySelectorAll("button, a, input, select, textarea, summary, label.button")].filter((element) => {
    const box = element.getBoundingClientRect();
    const isSeen = box.width > 0 && box.height > 0 && element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    const label = element.closest("label");
    const area = label ? label.getBoundingClientRect() : box;
    return isSeen && !element.matches(".sr, .skip, .prose a") && (area.height < 43.5 || area.width < 43.5);
  }).map((element) => element.outerHTML.slice(0, 90)));
  assert.deepEqual(await small(), []);
  await page.getByRole("button", { name: "Open the list" }).click();
  await p.list.getByRole("link", { name: "hello" }).waitFor();
  await page.waitForTimeout(300);
  assert.deepEqual(await small(), []);
  const heading = (name) => page.getByRole("heading", { name, exact: true });
  const rooms = [["/settings", heading("Your data")], ["/stats", heading("By day")], ["/admin", page.getByRole("button", { name: /^More about/ }).last()], ["/admin#usage", heading("By person").last()], ["/admin#settings", page.getByRole("textbox", { name: "Announcement" })], ["/admin#server", page.getByRole("button", { name: "Download a backup" })]];
  for (const [path, content] of rooms) {
    await page.goto(path);
    await content.waitFor();
    assert.deepEqual(await small(), [], path);
  }
  noFaults(window);
  await window.close();
});

test("C25: the log is silent; a polite region says when it answers, what is finished, and when it is done", async () => {
  const open = gate();
  world.upstream.answer = async (a) => {
    await a.pieces("The first block.\n\nThe sec", 2, 2);
    await open.opened;
    await a.pieces("ond block.\n", 2, 2);
    await a.end();
  };
  const window = await world.window();
  const page = await window.open("/");
  const p = on(page);
  await page.evaluate(() => {
    window.heard = [];
    for (const region of document.querySelectorAll("[aria-live=polite], [role=alert], [role=status]")) {
      new MutationObserver(() => region.textContent && window.heard.push(region.textContent)).observe(region, { childList: true, characterData: true, subtree: true });
    }
  });
  await p.ask("speak");
  await p.turn(0).getByText("The sec").waitFor();
  assert.equal(await p.log.getAttribute("aria-live"), "off");
  assert.equal(await p.log.getAttribute("aria-busy"), "true");
  open.open();
  await p.send.waitFor();
  await eventually(async () => {
    const heard = await page.evaluate(() => window.heard);
    assert.ok(heard.some((text) => text.includes("Answering")), JSON.stringify(heard));
    assert.ok(heard.some((text) => text.includes("Answer complete")), JSON.stringify(heard));
    assert.equal(heard.filter((text) => text.includes("The first block.")).length, 1);
    assert.ok(heard.length <= 4, JSON.stringify(heard));
  });
  assert.equal(await p.log.getAttribute("aria-busy"), "false");
  noFaults(window);
  await window.close();
});
