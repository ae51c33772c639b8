// W1-W9: what a model or a person wrote is shown as text or as harmless markup, streamed, reopened and printed. No script
// runs, nothing foreign is asked for, and the browser finds no fault.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { HOSTILE } from "../support/hostile.js";
import { createWorld, eventually, noFaults, on } from "../support/world.js";

const world = createWorld();
let sink;
const asked = [];
before(async () => {
  sink = createServer((request, response) => {
    asked.push(request.url);
    response.end("x");
  });
  await new Promise((resolve) => sink.listen(0, "127.0.0.1", resolve));
});
after(() => sink.close());

const payloads = () => HOSTILE.map((text) => text.replaceAll("SINK", `http://127.0.0.1:${sink.address().port}`));

/** Nothing happened that only a script or a foreign address could do. */
async function assertHarmless(page, window) {
  const state = await page.evaluate(() => ({
    isOwned: window.__pwned !== undefined,
    violations: window.violations,
    scripts: [...document.querySelectorAll("script")].map((script) => script.src || script.parentElement.localName),
    odd: [...document.querySelectorAll("iframe, object, embed, form:not(.composer), base, meta[http-equiv], style, video, audio, svg script, math script, [onerror], [onload], [onclick]")].map((element) => element.outerHTML.slice(0, 80)),
    bad: [...document.querySelectorAll(".answer a, .question a")].map((link) => link.getAttribute("href")).filter((href) => !/^(https?:|mailto:)/i.test(href)),
    loose: [...document.querySelectorAll(".answer a[href^=http]")].filter((link) => link.rel !== "noopener noreferrer nofollow" || link.target !== "_blank").length,
    pictures: document.querySelectorAll(".conversation img").length,
  }));
  assert.deepEqual(state, { isOwned: false, violations: [], scripts: ["head"], odd: [], bad: [], loose: 0, pictures: 0 });
  assert.deepEqual(asked, [], "W5: nothing foreign was asked for");
  noFaults(window);
}

const watch = (page) => page.addInitScript(() => {
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
});

async function openWatched(window, path) {
  const page = await window.context.newPage();
  await watch(page);
  await page.goto(path);
  await page.locator("html[data-ready]").waitFor({ state: "attached" });
  return page;
}

test("W2: hostile answers, a character at a time", async () => {
  const window = await world.window();
  const page = await openWatched(window, "/");
  const p = on(page);
  // Between the pieces the page is looked at over and over: nothing may flash up for a moment either.
  await page.evaluate(() => {
    window.flashes = [];
    new MutationObserver((records) => {
      for (const record of records) for (const node of record.addedNodes) {
        if (node.nodeType === 1 && (node.matches("script, iframe, img, object, embed, form, style, base") || node.querySelector("script, iframe, img, object, embed, form, style, base"))) window.flashes.push(node.outerHTML.slice(0, 100));
      }
    }).observe(document.querySelector("#chat"), { childList: true, subtree: true });
  });
  const all = payloads();
  for (const group of [all.slice(0, 30), all.slice(30)]) {
    const text = group.join("\n\n");
    world.upstream.answer = async (a) => {
      await a.reason(text);
      await a.pieces(text, 1);
      await a.end();
    };
    const before = await p.turns.count();
    await p.ask("write something");
    await p.turn(before).getByRole("button", { name: "Retry", exact: true }).waitFor({ timeout: 30_000 });
  }
  await page.getByText(/^Thought for/).first().click();
  await assertHarmless(page, window);
  assert.deepEqual(await page.evaluate(() => window.flashes.filter((html) => !html.includes('class="edit-question"'))), []);

  // W3: opened later, and printed.
  const again = await openWatched(window, new URL(page.url()).pathname);
  await on(again).turn(1).getByRole("button", { name: "Copy", exact: true }).waitFor();
  await assertHarmless(again, window);
  await again.emulateMedia({ media: "print" });
  await again.pdf();
  await assertHarmless(again, window);

  // What is taken away is a file, whatever stands in it: no browser shows it as a page.
  const id = new URL(page.url()).pathname.split("/").pop();
  for (const format of ["markdown", "json", "openwebui"]) {
    const reply = await fetch(`${world.server.url}/api/conversations/${id}/export?format=${format}`, { headers: { authorization: `Bearer ${window.person.token}` } });
    assert.match(reply.headers.get("content-disposition"), /^attachment/);
    assert.equal(reply.headers.get("x-content-type-options"), "nosniff");
    assert.doesNotMatch(reply.headers.get("content-type"), /html|xml|svg/);
    const text = await reply.text();
    for (const payload of all.slice(0, 9)) assert.ok(text.includes(format === "markdown" ? payload : JSON.stringify(payload).slice(1, -1)), `${format} has ${payload}`);
  }
  await window.close();
});

test("W1: hostile names, questions, titles, prompts and models are shown as they were typed", async () => {
  world.upstream.answer = world.upstream.usual;
  const nasty = "<img src=x onerror=\"window.__pwned=1\"><b>bold</b> &lt;i&gt;";
  const person = await world.server.person(nasty);
  world.upstream.models = ["small-model", "large-model"];
  await person.call("/user", { method: "PATCH", body: { system_prompt: nasty } });
  const window = await world.window({ person });
  const page = await openWatched(window, "/");
  const p = on(page);
  for (const text of payloads().slice(0, 12)) await person.ask(text);
  await page.reload();
  await p.list.getByText(nasty, { exact: true }).waitFor();
  await p.ask(nasty);
  await p.turn(0).getByText(nasty, { exact: true }).first().waitFor();
  assert.equal(await p.turn(0).locator(".question").textContent(), nasty);
  await page.getByRole("heading", { level: 1 }).getByText(nasty.slice(0, 20)).waitFor();
  await page.getByRole("searchbox", { name: "Search" }).fill("script");
  await page.waitForTimeout(600);
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Find or do" }).fill("alert");
  await page.waitForTimeout(500);
  await page.keyboard.press("Escape");
  await assertHarmless(page, window);
  for (const path of ["/settings", "/stats"]) {
    await page.goto(path);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.waitForTimeout(200);
    await assertHarmless(page, window);
  }
  await window.close();
});

test("W1: files with hostile names and contents are words, in the box and in the turn", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window();
  const page = await openWatched(window, "/");
  const p = on(page);
  const name = "<img src=x onerror=window.__pwned=1>.html";
  const buffer = Buffer.from(payloads().slice(0, 8).join("\n"));
  await page.locator("input[type=file]").setInputFiles([{ name, mimeType: "text/html", buffer }, { name: "drawing.svg", mimeType: "image/svg+xml", buffer: Buffer.from("<svg xmlns='http://www.w3.org/2000/svg' onload='window.__pwned=1'><script>window.__pwned=1</script></svg>") }]);
  await page.getByText(name, { exact: true }).waitFor();
  await eventually(async () => assert.equal(await page.getByRole("list", { name: "With this message" }).getByText(/tokens$/).count(), 2));
  await assertHarmless(page, window);
  await p.ask("What is in it?");
  await p.turn(0).getByRole("button", { name }).waitFor();
  await p.turn(0).getByRole("button", { name: "drawing.svg" }).waitFor();
  await p.turn(0).getByRole("button", { name: "Copy", exact: true }).waitFor();
  await page.reload();
  await p.turn(0).getByRole("button", { name }).waitFor();
  await assertHarmless(page, window);
  await window.close();
});

test("C16: words in angle brackets are all there", async () => {
  const answer = "Vec<T>, <foo> and </foo>, &lt;b&gt;";
  world.upstream.answer = async (a) => {
    await a.text(answer);
    await a.end();
  };
  const window = await world.window();
  const page = await openWatched(window, "/");
  const p = on(page);
  const question = "what is enclosed in <>\n<channel>";
  await p.message.fill(question);
  await p.message.press("Enter");
  await p.send.waitFor();
  await eventually(async () => assert.equal((await p.turn(0).locator(".answer").textContent()).trim(), answer));
  assert.equal(await p.turn(0).locator(".question").textContent(), question);
  await assertHarmless(page, window);
  await window.close();
});

test("W4: the policy holds when it is tried: markup, scripts, styles and foreign addresses are refused", async () => {
  const window = await world.window();
  const page = await openWatched(window, "/");
  const tried = await page.evaluate(async () => {
    const refused = {};
    const attempt = (name, run) => {
      try {
        run();
        refused[name] = false;
      } catch {
        refused[name] = true;
      }
    };
    attempt("innerHTML", () => (document.createElement("div").innerHTML = "<b>x</b>"));
    attempt("another policy", () => trustedTypes.createPolicy("other", { createHTML: (text) => text }));
    attempt("the same policy again", () => trustedTypes.createPolicy("gpt-assistant", { createHTML: (text) => text }));
    attempt("a script's text", () => (document.createElement("script").textContent = "window.__pwned = 1"));
    attempt("a script's address", () => (document.createElement("script").src = "/x.js"));
    attempt("a listener as text", () => document.body.setAttribute("onclick", "window.__pwned = 1"));
    refused.fetch = await fetch("http://127.0.0.1:9/").then(() => false, () => true);
    return refused;
  });
  assert.ok(Object.values(tried).every(Boolean), JSON.stringify(tried));
  await window.close();
});

test("W6: no other page can frame it", async () => {
  const response = await fetch(`${world.server.url}/`);
  const policy = response.headers.get("content-security-policy");
  for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'", "trusted-types gpt-assistant", "script-src 'self'", "style-src 'self'"]) assert.ok(policy.includes(part), part);
  assert.equal(response.headers.get("referrer-policy"), "no-referrer");
});
