// The page as an app: kept files, a new version, and a plain address in a home network.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { openWindow, startBrowser } from "../support/browser.js";
import { createWorld, eventually, noFaults, on } from "../support/world.js";

const world = createWorld();

test("the manifest and its icons are there", async () => {
  const { url } = world.server;
  const response = await fetch(`${url}/manifest.webmanifest`);
  assert.equal(response.headers.get("content-type"), "application/manifest+json");
  const manifest = await response.json();
  assert.deepEqual([manifest.start_url, manifest.scope, manifest.display], ["/", "/", "standalone"]);
  for (const { src, sizes, type } of manifest.icons) {
    const icon = await fetch(url + src);
    assert.equal(icon.status, 200, src);
    assert.equal(icon.headers.get("content-type"), type);
    const bytes = Buffer.from(await icon.arrayBuffer());
    if (type === "image/png") assert.equal(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`, sizes);
  }
});

test("without a network the page still opens, with its frame and the drafts; answers are never kept", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window({ hasLine: true });
  const page = await window.open("/");
  const p = on(page);
  await p.chat("a secret word");
  await page.evaluate(() => navigator.serviceWorker.ready);
  await eventually(async () => assert.ok(await page.evaluate(async () => (await caches.keys()).length === 1 && (await (await caches.open((await caches.keys())[0])).keys()).length > 40)));
  const kept = await page.evaluate(async () => {
    const cache = await caches.open((await caches.keys())[0]);
    const requests = await cache.keys();
    const texts = await Promise.all(requests.map(async (request) => (await cache.match(request)).text()));
    return { paths: requests.map((request) => new URL(request.url).pathname), isSecret: texts.some((text) => text.includes("a secret word")) };
  });
  assert.ok(kept.paths.every((path) => path === "/" || path.startsWith("/assets/")), kept.paths.join(" "));
  assert.equal(kept.isSecret, false);
  await p.message.fill("typed before");
  await page.reload();
  window.line.cut();
  await page.goto("/settings").catch(() => {});
  await page.goto(new URL("/", window.line.url).href);
  await page.locator(".sidebar").waitFor();
  window.line.mend();
  await p.list.getByRole("link", { name: "a secret word" }).waitFor({ timeout: 15_000 });
  noFaults(window);
  await window.close();
});

/** The same server before a newer build: another hash in the page, in its files' addresses and in what it says of itself. */
async function startNewer(server) {
  const build = (await (await fetch(`${server.url}/api/health`)).json()).build;
  const state = { isNewer: false };
  const swap = (text) => (state.isNewer ? text.replaceAll(build, "0123456789ab") : text);
  const proxy = createServer(async (request, response) => {
    const isOld = state.isNewer && request.url.includes(build);
    if (isOld) return response.writeHead(404).end();
    const body = [];
    for await (const part of request) body.push(part);
    const { host, "accept-encoding": _, ...headers } = request.headers;
    const reply = await fetch(server.url + request.url.replace("0123456789ab", build), { method: request.method, headers, body: body.length > 0 ? Buffer.concat(body) : undefined });
    const kept = Object.fromEntries([...reply.headers].filter(([name]) => !["content-encoding", "content-length", "transfer-encoding", "connection", "etag"].includes(name)));
    response.writeHead(reply.status, kept);
    response.end(/json|html|javascript/.test(reply.headers.get("content-type") ?? "") ? swap(await reply.text()) : Buffer.from(await reply.arrayBuffer()));
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${proxy.address().port}`, state, stop: () => (proxy.closeAllConnections(), proxy.close()) };
}

for (const serviceWorkers of ["block", "allow"]) {
  test(`a new version is offered, never forced, and no open page is stranded (service worker: ${serviceWorkers})`, async (t) => {
    const newer = await startNewer(world.server);
    t.after(newer.stop);
    const person = await world.server.person();
    const window = await openWindow(world.chromium.browser, newer, { person, serviceWorkers });
    const page = await window.open("/");
    const p = on(page);
    if (serviceWorkers === "allow") {
      await page.evaluate(() => navigator.serviceWorker.ready);
      await page.reload();
      await p.message.waitFor();
    }
    await p.message.fill("a draft");
    newer.state.isNewer = true;
    // A part that was not fetched yet is gone from the server; with a service worker it is kept.
    await page.keyboard.press("?").catch(() => {});
    await page.locator("#chat .scroll").click({ position: { x: 5, y: 5 } });
    await page.keyboard.press("?");
    if (serviceWorkers === "block") {
      await page.getByText("A new version is ready.").first().waitFor();
      await page.getByRole("button", { name: "Reload" }).first().click();
      await eventually(async () => assert.equal(await page.getAttribute("html", "data-build"), "0123456789ab"));
    } else {
      await page.getByRole("dialog", { name: "Shortcuts" }).waitFor();
      await page.keyboard.press("Escape");
    }
    assert.match(await p.message.inputValue(), /^a draft/);
    noFaults(window);
    await window.close();
  });
}

test("plain HTTP at a name in a home network: no clipboard, no randomUUID, no service worker, and everything works", async (t) => {
  world.upstream.answer = async (a) => {
    await a.text("An *answer*.\n\n```js\nlet x = 1;\n```\n");
    await a.end();
  };
  const chromium = await startBrowser(["--host-resolver-rules=MAP chat.home 127.0.0.1"]);
  t.after(chromium.stop);
  const person = await world.server.person();
  const url = `http://chat.home:${world.server.port}`;
  const window = await openWindow(chromium.browser, { url }, { person });
  const page = await window.open("/");
  const p = on(page);
  assert.deepEqual(await page.evaluate(() => [isSecureContext, typeof navigator.clipboard, typeof crypto.randomUUID, typeof navigator.serviceWorker]), [false, "undefined", "undefined", "undefined"]);
  await p.chat("hello");
  await p.turn(0).locator("em").getByText("answer").waitFor();
  await p.turn(0).getByRole("button", { name: "Copy code" }).click();
  await p.turn(0).getByText("Copied").waitFor();
  await p.message.focus();
  await page.keyboard.press("Control+v");
  assert.equal(await p.message.inputValue(), "let x = 1;");
  await p.message.fill("");
  await p.turn(0).getByRole("button", { name: "Copy", exact: true }).click();
  await p.message.focus();
  await page.keyboard.press("Control+v");
  assert.match(await p.message.inputValue(), /^An \*answer\*\./);
  noFaults(window);
  await window.close();
});

test("below a path: every address, file and call stays below it", async (t) => {
  const { startServer } = await import("../support/server.js");
  const server = await startServer({ settings: { SERVER__BASE_PATH: "/chatty" } });
  t.after(server.stop);
  server.url = `${server.url.replace(/\/chatty$/, "")}/chatty`;
  const person = await server.person();
  const window = await openWindow(world.chromium.browser, { url: new URL(server.url).origin }, {});
  const page = await window.context.newPage();
  const outside = [];
  page.on("request", (request) => /^http/.test(request.url()) && !new URL(request.url()).pathname.startsWith("/chatty/") && outside.push(request.url()));
  await page.goto(`${server.url}/login`);
  await page.getByRole("textbox", { name: "Email" }).fill(person.email);
  await page.getByRole("textbox", { name: "Password" }).fill(person.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  const p = on(page);
  await p.chat("hello");
  assert.match(page.url(), /\/chatty\/chat\/\d+$/);
  await page.getByRole("navigation", { name: "Conversations" }).getByRole("button", { name: "More", exact: true }).last().click();
  await page.getByRole("menuitem", { name: "Settings" }).click();
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  assert.deepEqual(outside, []);
  noFaults(window);
  await window.close();
});
