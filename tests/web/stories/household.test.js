// A household: a way in by invitation, people and what can be done about them, settings, an announcement, figures.

import assert from "node:assert/strict";
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
