// A household: a way in by invitation, people and what they may use, settings, figures, and who used what.

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

for (const size of ["desktop", "phone"]) {
  test(`a second person is invited by a link, and registers by it (${size})`, async () => {
    await admin("/settings", { method: "PATCH", body: { registration: "invite" } });
    const window = await world.window({ person: world.admin, size });
    const page = await window.open("/");
    if (size === "phone") await page.getByRole("button", { name: "Open the list" }).click();
    await page.getByRole("navigation", { name: "Conversations" }).getByRole("button", { name: "More", exact: true }).last().click();
    await page.getByRole("menuitem", { name: "Administration" }).click();
    await page.getByRole("heading", { name: "Administration" }).waitFor();
    await page.getByRole("button", { name: "Invite", exact: true }).click();
    const ask = page.getByRole("dialog", { name: "Invite" });
    await ask.getByRole("spinbutton", { name: "People" }).fill("0");
    await fill(ask, { For: "Grandpa" });
    await ask.getByRole("button", { name: "Make a link" }).click();
    await ask.getByText("This must be a number from 1 to 1,000.").waitFor();
    await ask.getByRole("spinbutton", { name: "People" }).fill("1");
    await ask.getByRole("button", { name: "Make a link" }).click();
    const link = await page.getByRole("dialog", { name: "Invitation" }).getByRole("group").textContent();
    assert.match(link, /^http:\/\/127\.0\.0\.1:\d+\/register\?invite=[0-9a-f]{20}$/);
    await fine(page, "the link");
    await page.getByRole("dialog", { name: "Invitation" }).getByRole("button", { name: "Copy link" }).click();
    await page.getByRole("dialog", { name: "Invitation" }).getByRole("button", { name: "Copied" }).waitFor();
    await page.keyboard.press("Escape");
    const invites = page.getByRole("table", { name: "Open invitations" });
    await invites.getByRole("rowheader", { name: "Grandpa" }).waitFor();
    await fine(page, "people");

    const guest = await world.window({ person: null, size });
    const door = await guest.open(new URL(link).pathname + new URL(link).search);
    await door.getByText("You are invited.").waitFor();
    assert.equal(await door.getByRole("textbox", { name: "Invitation" }).inputValue(), new URL(link).searchParams.get("invite"));
    await fine(door, "register");
    await fill(door, { Name: "Grandpa Joe", Email: `joe.${size}@example.org`, Password: "correct horse", "Confirm password": "correct horse" });
    await door.getByRole("button", { name: "Create account" }).click();
    await on(door).message.waitFor();
    noFaults(guest);
    await guest.close();

    await page.reload();
    await page.getByRole("searchbox", { name: "Find a person" }).fill(`joe.${size}`);
    const people = page.getByRole("table", { name: "People" });
    await eventually(async () => assert.equal(await people.getByRole("rowheader").count(), 1));
    await people.getByRole("rowheader", { name: /Grandpa Joe/ }).waitFor();
    await page.getByText("Nobody is invited right now.").waitFor();
    noFaults(window);
    await window.close();
    await admin("/settings", { method: "PATCH", body: { registration: "open" } });
  });
}

test("an invitation is ended, and its link is no good any more; a closed server has no form", async () => {
  await admin("/settings", { method: "PATCH", body: { registration: "invite" } });
  const { code } = await admin("/invites", { method: "POST", body: { note: "Kitchen tablet" } });
  const window = await world.window({ person: world.admin });
  const page = await window.open("/admin");
  await page.getByRole("button", { name: "End the invitation: Kitchen tablet" }).click();
  await page.getByText("The invitation has ended.").waitFor();
  await page.getByText("Nobody is invited right now.").waitFor();
  await window.close();
  const guest = await world.window({ person: null });
  const door = await guest.open(`/register?invite=${code}`);
  await fill(door, { Name: "Guest", Email: "guest@example.org", Password: "correct horse", "Confirm password": "correct horse" });
  await door.getByRole("button", { name: "Create account" }).click();
  await door.getByRole("alert").getByText(/this one is not good/).waitFor();
  await admin("/settings", { method: "PATCH", body: { registration: "closed" } });
  await door.reload();
  await door.getByText("This server takes no new accounts. Ask the person who runs it.").waitFor();
  assert.equal(await door.getByRole("textbox").count(), 0);
  assert.equal(await door.getByRole("button", { name: "Create account" }).count(), 0);
  await door.getByRole("link", { name: "Sign in" }).click();
  await door.getByRole("heading", { name: "Sign in" }).waitFor();
  noFaults(guest);
  await guest.close();
  await admin("/settings", { method: "PATCH", body: { registration: "open" } });
});

test("an account is promoted, disabled, given a new password and caps, and deleted; the last administrator stays", async () => {
  const person = await world.server.person("Mo Ashworth");
  const window = await world.window({ person: world.admin });
  const page = await window.open("/admin");
  const people = page.getByRole("table", { name: "People" });
  const row = (name) => people.getByRole("row", { name: new RegExp(name) });
  const pick = async (name, item) => {
    await page.getByRole("button", { name: `More about ${name}` }).click();
    await page.getByRole("menuitem", { name: item, exact: true }).click();
  };
  await pick("Ada Stone", "Make member");
  await page.getByText("This is the last administrator. Make somebody else one first.").waitFor();
  await pick("Ada Stone", "Delete account");
  await page.getByRole("dialog", { name: "Delete Ada Stone?" }).getByRole("button", { name: "Delete for good" }).click();
  await page.getByText("This is the last administrator. Make somebody else one first.").waitFor();

  await pick("Mo Ashworth", "Make administrator");
  await row("Mo Ashworth").getByRole("cell", { name: "Administrator" }).waitFor();
  await pick("Mo Ashworth", "Make member");
  await row("Mo Ashworth").getByRole("cell", { name: "Member" }).waitFor();
  await pick("Mo Ashworth", "Change caps");
  const caps = page.getByRole("dialog", { name: "Change caps" });
  await fill(caps, { "Tokens a month": "many" });
  await caps.getByRole("button", { name: "Save" }).click();
  await caps.getByText("This must be a whole number.").waitFor();
  await fine(page, "caps");
  await fill(caps, { "Tokens a month": "300,000" });
  await caps.getByRole("button", { name: "Save" }).click();
  await row("Mo Ashworth").getByRole("cell", { name: "0 of 300,000" }).waitFor();

  await pick("Mo Ashworth", "Disable");
  await page.getByRole("dialog", { name: "Disable Mo Ashworth?" }).getByRole("button", { name: "Disable" }).click();
  await row("Mo Ashworth").getByRole("cell", { name: "Disabled" }).waitFor();
  await assert.rejects(person.call("/user"));
  await pick("Mo Ashworth", "Enable");
  await row("Mo Ashworth").getByRole("cell", { name: "Active" }).waitFor();
  await pick("Mo Ashworth", "New password");
  await page.getByRole("dialog", { name: "Give Mo Ashworth a new password?" }).getByRole("button", { name: "New password" }).click();
  const shown = page.getByRole("dialog", { name: "New password" });
  const password = await shown.getByRole("group").textContent();
  await world.server.call("/login", { method: "POST", body: { email: person.email, password } });
  await shown.getByRole("button", { name: "Close" }).last().click();

  await pick("Mo Ashworth", "Delete account");
  const sure = page.getByRole("dialog", { name: "Delete Mo Ashworth?" });
  await sure.getByText(person.email).waitFor();
  await sure.getByRole("button", { name: "Delete for good" }).click();
  await eventually(async () => assert.equal(await row("Mo Ashworth").count(), 0));
  await assert.rejects(world.server.call("/login", { method: "POST", body: { email: person.email, password } }));
  noFaults(window);
  await window.close();
});

test("a member finds no administration, and no way to it", async () => {
  const window = await world.window();
  const page = await window.open("/admin");
  await page.getByRole("heading", { name: "There is no such page." }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("> admin");
  await page.getByText("Nothing found.").waitFor();
  noFaults(window);
  await window.close();
});

test("settings hold at once, what the configuration has fixed is locked, and an announcement is shown to all", async () => {
  const window = await world.window({ person: world.admin });
  const page = await window.open("/admin#settings");
  const setting = (name) => page.getByText(name, { exact: true }).locator("xpath=ancestor::div[2]");
  await setting("Shared key").getByText("Fixed in the server’s configuration.").waitFor();
  await setting("Tokens a day").getByText("5,000 tokens").waitFor();
  await page.getByRole("radiogroup", { name: "Sign-up" }).getByText("By invitation").click();
  await eventually(async () => assert.equal((await world.server.call("/entrance")).registration, "invite"));
  await page.getByRole("radiogroup", { name: "Sign-up" }).getByText("Open").click();
  await fill(page, { "Tokens a month": "lots" });
  await page.getByRole("button", { name: "Save: Tokens a month" }).click();
  await page.getByText("This must be a whole number.").waitFor();
  await fill(page, { "Tokens a month": "40,000", Models: "small-model\nlarge-model" });
  await page.getByRole("button", { name: "Save: Tokens a month" }).click();
  await page.getByRole("button", { name: "Save models" }).click();
  await eventually(async () => {
    const now = await admin("/settings");
    assert.deepEqual([now.shared_tokens_per_month, now.models], [40_000, ["small-model", "large-model"]]);
  });
  await fine(page, "settings");
  await fill(page, { Announcement: "On Sunday at noon the server is away for an hour." });
  await page.getByRole("button", { name: "Save announcement" }).click();
  await page.getByRole("button", { name: "New chat" }).first().click();
  await page.getByRole("status").getByText("On Sunday at noon").waitFor();
  noFaults(window);
  await window.close();

  const guest = await world.window({ size: "phone" });
  const chat = await guest.open("/");
  await chat.getByRole("status").getByText("On Sunday at noon the server is away for an hour.").waitFor();
  await fine(chat, "announcement");
  await chat.getByRole("button", { name: "Close", exact: true }).click();
  await chat.reload();
  await on(chat).message.waitFor();
  await chat.waitForTimeout(300);
  assert.equal(await chat.getByText("On Sunday at noon").count(), 0, "who has read it is not told again");
  await admin("/settings", { method: "PATCH", body: { announcement: "The server is back.", models: [], shared_tokens_per_month: 0 } });
  await chat.reload();
  await chat.getByText("The server is back.").waitFor();
  await admin("/settings", { method: "PATCH", body: { announcement: "" } });
  noFaults(guest);
  await guest.close();
});

test("the server's figures, and a backup as a file", async () => {
  const window = await world.window({ person: world.admin });
  const page = await window.open("/admin");
  await page.getByRole("link", { name: "Server" }).click();
  await page.getByText("Answers running").waitFor();
  const { version } = await world.server.call("/health");
  await page.getByText(version, { exact: true }).waitFor();
  await fine(page, "server");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download a backup" }).click()]);
  assert.match(download.suggestedFilename(), /^gpt-assistant-\d{4}-\d\d-\d\d\.zip$/);
  noFaults(window);
  await window.close();
});

test("who paid is said at each answer and in the statistics; at the cap it is said kindly, and nothing is lost", async () => {
  world.upstream.answer = world.upstream.usual;
  const window = await world.window();
  const { person } = window;
  const page = await window.open("/");
  const p = on(page);
  await p.chat("The first question");
  await p.turn(0).getByText(/small-model · 50 tokens · shared key · /).waitFor();
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
  const go = (name) => page.getByRole("navigation", { name: "管理" }).getByRole("link", { name }).click();
  await page.getByRole("button", { name: "邀请", exact: true }).click();
  await page.getByRole("dialog", { name: "邀请" }).getByRole("textbox", { name: "给谁" }).fill("外公");
  await fine(page, "invite");
  await page.getByRole("button", { name: "生成链接" }).click();
  await page.getByText("打开这个链接就能注册。它只显示这一次。").waitFor();
  await page.keyboard.press("Escape");
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
