// Who pays and who used what, for a person and for the administrator; administration in Chinese, on a phone.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { check } from "../support/axe.js";
import { createWorld, eventually, noFaults, on } from "../support/world.js";

const world = createWorld({ settings: { UPSTREAM__API_KEY: "sk-shared-key-of-the-tests-0001", LIMITS__SHARED_TOKENS_PER_DAY: "5000" } });
const fine = async (page, view) => assert.deepEqual(await check(page, view), []);
const fill = async (scope, values) => {
  for (const [name, value] of Object.entries(values)) await scope.getByRole("textbox", { name, exact: true }).fill(value);
};
const admin = (path, options) => world.admin.call(`/admin${path}`, options);

test("who paid is said at each answer and in the statistics; at the cap it is said kindly, and nothing is lost", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window();
  const { person } = window;
  const page = await window.open("/");
  const p = on(page);
  await p.chat("The first question");
  const wide = page.viewportSize();
  for (const size of [{ width: 390, height: 844 }, wide]) {
    await page.setViewportSize(size);
    await p.turn(0).getByText(/small-model · 50 tokens · shared key · /).waitFor();
  }
  await page.goto("/stats");
  await page.getByText("All on the shared key").waitFor();
  await admin(`/users/${person.user.id}`, { method: "PATCH", body: { cap_month: 10 } });
  await page.goto("/");
  await p.ask("One question too many");
  const notice = page.getByText(/^Your share of the shared key is used up until .*\. Your own key still works\.$/).first();
  await notice.waitFor();
  assert.equal(await p.message.inputValue(), "One question too many");
  await fine(page, "cap");
  await page.getByRole("button", { name: "Use my own key" }).click();
  await page.getByRole("textbox", { name: "API key" }).fill("sk-a-good-key-0123456789");
  await page.getByRole("button", { name: "Save key" }).click();
  await page.getByText("sk-****6789").waitFor();
  await page.getByRole("button", { name: "New chat" }).first().click();
  await p.message.press("Enter");
  await p.turn(0).getByText(/· own key · /).waitFor();
  await page.goto("/stats");
  await page.getByText("50 on your own key, 50 on the shared key").waitFor();
  noFaults(window);
  await window.close();
});

test("who used what: a chart, by person and by model as tables, and as files", async () => {
  world.upstream.answer = world.upstream.usual;
  const person = await world.server.person("June Ashworth");
  await person.ask("one");
  await person.ask("two", { model: "large-model" });
  const window = await world.window({ person: world.admin });
  const page = await window.open("/admin#usage");
  await page.getByRole("img", { name: /^Tokens by day from / }).waitFor();
  const row = page.getByRole("table", { name: "By person" }).getByRole("row", { name: /June Ashworth/ });
  assert.deepEqual(await row.getByRole("cell").allTextContents(), ["2", "100", "0", "0", "100"]);
  await page.getByRole("table", { name: "By model" }).getByRole("rowheader", { name: "large-model" }).waitFor();
  await page.getByRole("img", { name: /^Tokens by day from / }).focus();
  await page.keyboard.press("End");
  await page.getByText(/ on the shared key, \d+ on people’s own \(/).waitFor();
  await fine(page, "usage");
  await page.getByText("7 days", { exact: true }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download as CSV: By person" }).click()]);
  assert.match(await readFile(await download.path(), "utf8"), /^day,user_id,name,paid_by,measured_tokens,estimated_tokens,total_tokens,requests\r\n[\s\S]*,June Ashworth,shared,/);
  noFaults(window);
  await window.close();
});

test("in Chinese, in the dark, on a phone: an invitation, a cap, an announcement, use and figures", async () => {
  const person = await world.server.person("周雨桐");
  await person.ask("一");
  const window = await world.window({ person: world.admin, language: "zh-CN", theme: "dark", size: "phone" });
  const page = await window.open("/admin");
  const edge = await page.getByText("周雨桐", { exact: true }).evaluate((name) => getComputedStyle(name.closest("th")).borderTopWidth);
  assert.equal(edge, "0px", "one line for each person, none through the middle");
  const go = (name) => page.getByRole("navigation", { name: "管理" }).getByRole("link", { name }).click();
  await page.getByRole("button", { name: "邀请", exact: true }).click();
  await page.getByRole("dialog", { name: "邀请" }).getByRole("textbox", { name: "给谁" }).fill("外公");
  await fine(page, "invite");
  await page.getByRole("button", { name: "生成链接" }).click();
  await page.getByText("打开这个链接就能注册。它只显示这一次。").waitFor();
  await page.keyboard.press("Escape");
  await fine(page, "once");
  await page.getByRole("dialog", { name: "还没有保存，要关闭吗？" }).getByRole("button", { name: "关闭" }).last().click();
  await page.getByRole("table", { name: "有效的邀请" }).getByRole("rowheader", { name: "外公" }).waitFor();
  await page.getByRole("button", { name: "“周雨桐”的更多操作" }).click();
  await fine(page, "menu");
  await page.getByRole("menuitem", { name: "修改额度" }).click();
  await page.getByRole("dialog").getByRole("textbox", { name: "每月词元" }).fill("60");
  await page.getByRole("dialog").getByRole("button", { name: "保存" }).click();
  await page.getByText("50 / 60").waitFor();
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing is wider than the phone");
  await go("用量");
  await page.getByRole("table", { name: "按成员" }).getByRole("rowheader", { name: "周雨桐" }).waitFor();
  await fine(page, "use");
  await go("设置");
  await page.getByRole("radiogroup", { name: "注册" }).waitFor();
  await page.getByText("已在服务器的配置里固定。").first().waitFor();
  await fine(page, "settings");
  await go("服务器");
  await page.getByRole("button", { name: "下载备份" }).waitFor();
  await fine(page, "server");
  noFaults(window);
  await window.close();
});
