// Takes pictures of every view; see `tests/web/pictures`.

import { mkdir, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { openWindow, startBrowser } from "./support/browser.js";
import { answer, prompts, qr, take } from "./support/household.js";
import { png } from "./support/picture.js";
import { prepare, words } from "./support/samples.js";
import { startServer } from "./support/server.js";

const folder = resolve(import.meta.dirname, "../../pictures");
const wanted = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const server = await startServer();
const bare = await startServer({ key: null });
const { browser, stop } = await startBrowser();
const ada = await server.person("Ada Stone");
const people = { en: await prepare(server, "en"), "zh-CN": await prepare(server, "zh-CN") };
const admin = await bare.person("Lin Ashworth");
const lonely = await startServer();
const first = await lonely.person("Lin Ashworth");

/** A picture: name, address, and what is done before it is taken. */
const VIEWS = [
  ["login", "/login"],
  ["register", "/register", async (page) => page.locator("form button[type=submit]").click()],
  ["invited", "/register?invite=5f0c9d2e7ab84136c0de"],
  ["empty", "/"],
  ["chat", "/chat/ID", async (page) => page.locator("#chat .scroll").evaluate((element) => element.scrollTo(0, 0))],
  ["chat-code", "/chat/ID", async (page) => page.locator(".turn").nth(1).evaluate((element) => element.scrollIntoView())],
  ["chat-end", "/chat/ID", async (page) => page.locator("#chat .scroll").evaluate((element) => element.scrollTo(0, 1e6))],
  ["streaming", "/chat/ID", async (page, language) => {
    server.upstream.answer = async (a) => {
      await a.reason("…");
      await a.pieces(words(language).growing, 300);
      await a.wait(3000);
      await a.end();
    };
    await page.locator("#message").fill(words(language).next);
    await page.locator("#message").press("Enter");
    await page.locator(".turn").last().getByText("1.2").last().waitFor();
  }],
  ["thinking", "/", async (page, language) => {
    server.upstream.answer = async (a) => {
      await a.reason(words(language).thought);
      await a.wait(3500);
      await a.end();
    };
    await page.locator("#message").fill(words(language).next);
    await page.locator("#message").press("Enter");
    await page.waitForTimeout(2500);
  }],
  ["failed", "/", async (page, language) => {
    server.upstream.answer = (a) => a.refuse(401, { error: { message: "Incorrect API key provided", code: "invalid_api_key" } });
    await page.locator("#message").fill(words(language).next);
    await page.locator("#message").press("Enter");
    await page.locator(".notice.danger").waitFor();
  }],
  ["files", "/", async (page, language) => {
    await addFiles(page);
    await page.locator("#message").fill(words(language).next);
  }],
  ["files-turn", "/", async (page, language) => {
    await addFiles(page);
    await page.locator("#message").fill(words(language).next);
    server.upstream.answer = server.upstream.usual;
    await page.locator("#message").press("Enter");
    await page.locator(".turn .thumbnail img[src]").waitFor();
    await page.locator(".tools .edit:visible").waitFor();
  }],
  ["edit", "/chat/ID", async (page) => {
    await page.locator(".turn").nth(1).hover();
    await page.locator(".turn").nth(1).locator(".edit").click();
  }],
  ["list", "/chat/ID", async (page, _, size) => size === "phone" && page.locator(".open-list:visible").click()],
  ["menu", "/chat/ID", async (page, _, size) => {
    if (size === "phone") await page.locator(".open-list:visible").click();
    await page.locator(".side-item.current button").click();
  }],
  ["search", "/chat/ID", async (page, language, size) => {
    if (size === "phone") await page.locator(".open-list:visible").click();
    await page.locator("[type=search]").fill(language === "en" ? "pendul" : "摆杆");
  }],
  ["palette", "/chat/ID", async (page, language) => {
    await page.keyboard.press("Control+k");
    await page.locator(".palette input").fill(language === "en" ? "clo" : "摆");
  }],
  ["shortcuts", "/chat/ID", async (page) => {
    await page.keyboard.press("Escape");
    await page.locator("#chat .scroll").click({ position: { x: 4, y: 4 } });
    await page.keyboard.press("?");
  }],
  ["conversation-settings", "/chat/ID", async (page) => {
    await page.locator(".settings-button").click();
    await page.locator(".dialog summary").click();
  }],
  ["settings", "/settings"],
  ["settings-look", "/settings#look"],
  ["settings-data", "/settings#data"],
  ["import", "/settings#data", async (page) => {
    await page.locator("#data button").first().click();
    await page.locator("dialog .fields").waitFor();
  }],
  ["import-reading", "/settings#data", async (page, language) => take(page, language, "running")],
  ["import-report", "/settings#data", async (page, language) => take(page, language, "done")],
  ["two-factor", "/settings#security", async (page) => {
    await page.route(/\/api\/user\/totp$/, (route) => route.fulfill({ json: { secret: "K7QXM2PZW4JD6RTC5VYBNHA3LFGEOSUI", uri: "", qr } }));
    await page.locator("#security .tag").locator("xpath=preceding-sibling::button").click();
    await page.locator("dialog input").fill("x");
    await page.locator("dialog button[type=submit]").click();
    await page.locator(".qr").waitFor();
  }],
  ["recovery-codes", "/settings#security", async (page) => {
    await page.route(/\/api\/user\/totp/, (route) => route.fulfill({ json: { secret: "K7QXM2PZW4JD6RTC5VYBNHA3LFGEOSUI", uri: "", qr, recovery_codes: Array.from({ length: 10 }, (_, at) => (BigInt(at + 3) * 0x9e3779b97f4a7c15f39cn).toString(16).slice(-20)) } }));
    await page.locator("#security .tag").locator("xpath=preceding-sibling::button").click();
    for (let step = 0; step < 2; step++) {
      await page.locator("dialog input").fill("123456");
      await page.locator("dialog button[type=submit]").click();
      await page.waitForTimeout(300);
    }
    await page.locator(".kept-text").waitFor();
  }],
  ["code", "/login", async (page) => {
    await page.route(/\/api\/login$/, (route) => route.fulfill({ status: 401, json: { error: "", code: "totp_required" } }));
    for (const [field, value] of [["email", "lin@example.org"], ["password", "correct horse"]]) await page.locator(`#field-${field}`).fill(value);
    await page.locator("form button[type=submit]").click();
    await page.locator("#field-code").waitFor();
  }],
  ["prompts", "/settings#answers", async (page, language) => {
    await prompts(page, language);
    await page.locator("#answers .stack > button").click();
    await page.locator(".own-prompts").waitFor();
  }],
  ["prompt-edit", "/settings#answers", async (page, language) => {
    await prompts(page, language);
    await page.locator("#answers .stack > button").click();
    await page.locator(".own-prompts button").first().click();
  }],
  ["slash", "/chat/ID", async (page, language) => {
    await prompts(page, language);
    await page.locator("#message").pressSequentially("/");
    await page.locator(".slash [role=option]").first().waitFor();
  }],
  ["slash-form", "/chat/ID", async (page, language) => {
    await prompts(page, language);
    await page.locator("#message").pressSequentially("/");
    await page.locator(".slash [role=option]").first().click();
    await page.locator("dialog input").first().waitFor();
  }],
  ["cap", "/", async (page, language) => {
    await page.route(/\/api\/chat\?/, (route) => route.fulfill({ status: 429, headers: { "retry-after": String(5 * 86_400) }, json: { error: "", code: "cap_reached" } }));
    await page.locator("#message").fill(words(language).next);
    await page.locator("#message").press("Enter");
    await page.locator(".notice.caution").waitFor();
  }],
  ["delete-account", "/settings#data", async (page) => page.locator("#data button.danger").click()],
  ["stats", "/stats"],
  ["admin-people", "/admin"],
  ["admin-person", "/admin", async (page) => page.locator(".people button").nth(1).click()],
  ["admin-invites", "/admin", async (page) => page.locator(".page").evaluate((element) => element.scrollTo(0, 1e6))],
  ["admin-invite", "/admin", async (page) => page.locator(".admin-tools button").click()],
  ["admin-link", "/admin", async (page) => {
    await page.locator(".admin-tools button").click();
    await page.locator("dialog button[type=submit]").click();
    await page.locator(".kept-text").waitFor();
  }],
  ["admin-usage", "/admin#usage"],
  ["admin-usage-tables", "/admin#usage", async (page) => page.locator(".page").evaluate((element) => element.scrollTo(0, 1e6))],
  ["admin-settings", "/admin#settings"],
  ["admin-settings-end", "/admin#settings", async (page) => page.locator(".admin-part .area").last().scrollIntoViewIfNeeded()],
  ["admin-server", "/admin#server"],
  ["announcement", "/", async (page, language) => {
    await page.route(/\/api\/user$/, async (route) => route.fulfill({ json: { ...await (await route.fetch()).json(), announcement: words(language).announcement } }));
    await page.reload();
    await page.locator(".told").waitFor();
  }],
  ["trash", "/", async (page) => {
    await page.keyboard.press("Control+k");
    await page.locator(".palette [role=option]").last().click();
  }],
  ["toast", "/chat/ID", async (page, _, size) => {
    if (size === "phone") await page.locator(".open-list:visible").click();
    await page.locator(".side-item").last().hover();
    await page.locator(".side-item button").last().click();
    await page.locator(".menu .danger").click();
    await page.locator(".toast").waitFor();
  }],
  ["lost", "/chat/999999"],
];

async function addFiles(page) {
  const file = (name, mimeType, buffer) => ({ name, mimeType, buffer: Buffer.from(buffer) });
  await page.locator("input[type=file]").setInputFiles([file("clock.png", "image/png", png(1200, 900)), file("readings.csv", "text/csv", "day,seconds\n1,238\n2,244\n".repeat(40))]);
  await page.waitForFunction(() => document.querySelectorAll(".tray li:not(.busy)").length === 2);
}

/** What README shows: WebP, small enough to be kept with the code. */
const SHOWN = [
  { name: "conversation", language: "en", theme: "light", size: "desktop" },
  { name: "conversation-phone", language: "zh-CN", theme: "dark", size: "phone" },
];

async function takeShown({ name, language, theme, size }) {
  const person = people[language];
  const window = await openWindow(browser, server, { size, language, theme, person, deviceScaleFactor: size === "phone" ? 2 : 1.5 });
  const page = await window.open(`/chat/${person.id}`);
  await page.locator("#chat .scroll").evaluate((element) => element.scrollTo(0, 0));
  await page.waitForTimeout(500);
  const session = await window.context.newCDPSession(page);
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 82 });
  await writeFile(resolve(import.meta.dirname, `../../docs/pictures/${name}.webp`), Buffer.from(data, "base64"));
  await window.close();
}

/** Months of use, which no test can wait for. */
function usage() {
  const days = [];
  for (let back = 29; back >= 0; back--) {
    if ([22, 21, 12, 13].includes(back)) continue;
    const date = new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10);
    const [prompt, completion] = [2000 + ((back * 7919) % 4600), 1500 + ((back * 104_729) % 9800) + (back === 6 ? 9000 : 0)];
    days.push({ day: date, prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion, requests: 3 + ((back * 31) % 38), estimated_tokens: back === 6 ? 4800 : back === 14 ? 4510 : 0, own_tokens: 0 });
  }
  const models = [["gpt-4o-mini", 164_357], ["gpt-4o", 64_905], ["qwen-plus", 22_310]].map(([model, total_tokens]) => ({ model, total_tokens, requests: 100 }));
  return { days, total: 1_284_096, models };
}

// Before more is said in that conversation.
if (wanted.length === 0 || wanted.includes("shown")) for (const each of SHOWN) await takeShown(each);
for (const size of ["desktop", "phone"]) {
  for (const language of ["en", "zh-CN"]) {
    for (const theme of ["light", "dark"]) {
      for (const [name, path, prepareView] of VIEWS) {
        const file = `${name}-${language.slice(0, 2)}-${theme}-${size}`;
        if (wanted.length > 0 && !wanted.some((each) => file.startsWith(each))) continue;
        const isOut = ["login", "register", "invited", "code"].includes(name);
        const isAdmin = name.startsWith("admin");
        const person = isOut ? null : isAdmin ? ada : people[language];
        const window = await openWindow(browser, server, { size, language, theme, person, deviceScaleFactor: size === "phone" ? 2 : 1.5 });
        const page = await window.context.newPage();
        if (name === "stats") await page.route(/token-usage/, (route) => route.fulfill({ json: usage() }));
        if (isAdmin) await answer(page, language);
        await page.goto(path.replace("ID", person?.id));
        await page.locator("html[data-ready]").waitFor({ state: "attached" });
        await page.waitForTimeout(250);
        await prepareView?.(page, language, size);
        await page.waitForTimeout(400);
        await page.screenshot({ path: `${folder}/${file}.png` });
        if (window.faults.length > 0) console.error(file, window.faults);
        await window.close();
      }
    }
  }
}
for (const [name, where, person] of [["first-run", bare, admin], ["alone", lonely, first]]) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const [language, theme, size] of [["en", "light", "desktop"], ["zh-CN", "dark", "phone"]]) {
    const window = await openWindow(browser, where, { size, language, theme, person, deviceScaleFactor: size === "phone" ? 2 : 1.5 });
    const page = await window.open("/");
    await page.waitForTimeout(600);
    await page.screenshot({ path: `${folder}/${name}-${language.slice(0, 2)}-${theme}-${size}.png` });
    await window.close();
  }
}
await stop();
await server.stop();
await bare.stop();
await lonely.stop();
