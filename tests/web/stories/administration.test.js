// Administration when something is slow, refused or pressed twice.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createWorld, eventually, gate, noFaults } from "../support/world.js";

const world = createWorld();
const admin = (path, options) => world.admin.call(`/admin${path}`, options);
const part = (page, name) => page.getByRole("navigation", { name: "Administration" }).getByRole("link", { name });
/** What a proxy says of a server that is away: a page. */
const away = (route) => route.fulfill({ status: 502, contentType: "text/html", body: "<h1>Bad Gateway</h1>" });
const isFocused = (locator) => eventually(async () => assert.ok(await locator.evaluate((element) => element === document.activeElement)));

test("a part that comes late stays out of the one that is shown", async () => {
  const window = await world.window({ person: world.admin });
  const page = await window.open("/admin");
  await page.getByRole("table", { name: "People" }).waitFor();
  for (const [name, path] of [["Server", "server"], ["Settings", "settings"]]) {
    const late = gate();
    await page.route(`**/api/admin/${path}`, async (route) => {
      await late.opened;
      await route.continue();
    });
    const asked = page.waitForRequest(`**/api/admin/${path}`);
    await part(page, name).click();
    await asked;
    await part(page, "Use").click();
    await page.getByRole("heading", { name: "Tokens of everybody" }).waitFor();
    const come = page.waitForResponse(`**/api/admin/${path}`);
    late.open();
    await come;
    await page.waitForTimeout(200);
    assert.equal(await page.getByRole("heading", { name: "Tokens of everybody" }).count(), 1, name);
    assert.deepEqual([await page.getByText("Answers running").count(), await page.getByText("Who may make an account").count()], [0, 0], name);
    await page.unroute(`**/api/admin/${path}`);
  }
  noFaults(window);
  await window.close();
});

test("a part that cannot be had says so, and is asked for again; figures of another span too", async () => {
  const window = await world.window({ person: world.admin });
  const page = await window.open("/admin");
  await page.route("**/api/admin/server", away);
  await part(page, "Server").click();
  await page.getByText("The server does not answer. Please try again in a moment.").waitFor();
  await page.unroute("**/api/admin/server");
  await page.getByRole("button", { name: "Retry" }).click();
  await page.getByText("Answers running").waitFor();
  await part(page, "Use").click();
  await page.getByText("Nothing used in these days.").waitFor();
  await page.route("**/api/admin/usage?*", away);
  await page.getByText("7 days", { exact: true }).click();
  await page.getByText("The server does not answer.").waitFor();
  assert.equal(await page.getByText("Nothing used in these days.").count(), 0, "old figures do not stand below a new span");
  await page.unroute("**/api/admin/usage?*");
  await page.getByRole("button", { name: "Retry" }).click();
  await page.getByText("Nothing used in these days.").waitFor();
  noFaults(window);
  await window.close();
});

test("a choice that was refused goes back and says why, and the sentence stays", async () => {
  const window = await world.window({ person: world.admin, language: "zh-CN" });
  const page = await window.open("/");
  // Here the configuration fixes a model; elsewhere it does not.
  await page.route("**/api/admin/settings", async (route) => route.fulfill({ json: { ...await (await route.fetch()).json(), locked: [] } }));
  await page.goto("/admin#settings");
  const open = page.getByRole("radio", { name: "开放" });
  await page.getByRole("radio", { name: "凭邀请" }).locator("xpath=..").click();
  await eventually(async () => assert.equal((await admin("/settings")).registration, "invite"));
  await page.getByText("已保存").waitFor();
  await page.route("**/api/admin/settings", away);
  await open.locator("xpath=..").click();
  const why = page.getByRole("status").getByText("服务器没有回应，请稍后再试。");
  await why.waitFor();
  assert.deepEqual([await open.isChecked(), await page.getByRole("radio", { name: "凭邀请" }).isChecked()], [false, true]);
  const model = page.getByRole("combobox", { name: "默认模型" });
  await model.selectOption("large-model");
  await eventually(async () => assert.equal(await why.count(), 2));
  assert.equal(await model.inputValue(), "small-model");
  // What takes "Saved" away does not take this.
  await page.waitForTimeout(3200);
  assert.equal(await why.count(), 2);
  await admin("/settings", { method: "PATCH", body: { registration: "open" } });
  noFaults(window);
  await window.close();
});

test("what is typed while it is saved is not taken for saved", async () => {
  for (const [path, label, word, call] of [["/admin#settings", "Announcement", "Save announcement", "admin/settings"], ["/settings", "Name", "Save name", "user"], ["/settings#answers", "System prompt", "Save system prompt", "user"]]) {
    const window = await world.window({ person: label === "Announcement" ? world.admin : undefined });
    const page = await window.open(path);
    const late = gate();
    await page.route(`**/api/${call}`, async (route) => {
      if (route.request().method() === "PATCH") await late.opened;
      await route.continue();
    });
    const field = page.getByRole("textbox", { name: label, exact: true });
    await field.fill("First");
    const asked = page.waitForRequest((request) => request.method() === "PATCH");
    await page.getByRole("button", { name: word }).click();
    await asked;
    await field.fill("First and more");
    late.open();
    await page.getByText("Saved", { exact: true }).waitFor();
    assert.equal(await page.getByRole("button", { name: word }).isEnabled(), true, label);
    await page.getByRole("button", { name: word }).click();
    await eventually(async () => assert.equal(await page.getByRole("button", { name: word }).isEnabled(), false));
    noFaults(window);
    await window.close();
  }
  assert.equal((await admin("/settings")).announcement, "First and more");
  await admin("/settings", { method: "PATCH", body: { announcement: "" } });
});

test("caps are whole numbers; the focus goes back to the row, and to the search when the row is gone", async () => {
  const person = await world.server.person("Mo Ashworth");
  await world.server.person("Mo Ashworth");
  const window = await world.window({ person: world.admin });
  const page = await window.open("/admin");
  const more = page.locator(`#person-${person.user.id}`);
  const pick = async (item) => {
    await more.click();
    await page.getByRole("menuitem", { name: item, exact: true }).click();
  };
  await pick("Change caps");
  const caps = page.getByRole("dialog", { name: "Change caps" });
  const month = caps.getByRole("textbox", { name: "Tokens a month" });
  for (const wrong of ["1.5", "10,00"]) {
    await month.fill(wrong);
    await caps.getByRole("button", { name: "Save" }).click();
    await caps.getByText("This must be a whole number.").waitFor();
  }
  await month.fill("1.500.000");
  await caps.getByRole("button", { name: "Save" }).click();
  await page.getByRole("cell", { name: "0 of 1,500,000" }).waitFor();
  await isFocused(more);
  await pick("Change caps");
  assert.equal(await month.inputValue(), "1500000");
  await page.keyboard.press("Escape");
  await isFocused(more);
  await pick("Make administrator");
  await page.getByText("Mo Ashworth is an administrator now.").waitFor();
  await isFocused(more);
  await pick("Delete account");
  await page.getByRole("dialog").getByRole("button", { name: "Delete for good" }).click();
  await more.waitFor({ state: "detached" });
  await isFocused(page.getByRole("searchbox", { name: "Find a person" }));
  noFaults(window);
  await window.close();
});

test("a share is nearly full from 95 %, and full when it is used up; an invitation is ended once", async () => {
  await world.server.person();
  const window = await world.window({ person: world.admin });
  await admin("/invites", { method: "POST", body: { note: "Twice" } });
  const page = await window.open("/");
  await page.route("**/api/admin/users?*", async (route) => {
    const reply = await (await route.fetch()).json();
    const [one, two] = reply.users;
    route.fulfill({ json: { next: null, users: [{ ...one, cap_month: 1000, tokens_month: 949 }, { ...one, id: 9998, cap_month: 1000, tokens_month: 950 }, { ...two, cap_month: 1000, tokens_month: 1000 }] } });
  });
  const late = gate();
  await page.route("**/api/admin/invites", async (route) => {
    await late.opened;
    await route.continue();
  });
  await page.goto("/admin");
  await page.getByRole("heading", { name: "Open invitations" }).waitFor();
  await page.getByText("949 of 1,000", { exact: true }).waitFor();
  await page.getByText("950 of 1,000, nearly full", { exact: true }).waitFor();
  await page.getByText("1,000 of 1,000, full", { exact: true }).waitFor();
  assert.equal(await page.getByText("Nobody is invited right now.").isVisible(), false, "nothing is said before it is known");
  assert.equal(await page.getByRole("table", { name: "Open invitations" }).isVisible(), false);
  late.open();
  let ended = 0;
  await page.route("**/api/admin/invites/*", (route) => {
    ended += 1;
    route.continue();
  });
  await page.getByRole("button", { name: "End the invitation: Twice" }).evaluate((button) => {
    button.click();
    button.click();
  });
  await page.getByText("Nobody is invited right now.").waitFor();
  assert.equal(ended, 1);
  assert.equal(await page.getByText("There is nothing here any more.").count(), 0);
  noFaults(window);
  await window.close();
});
