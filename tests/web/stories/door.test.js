// Sign in, register, sign out; before anybody has an account, and when nobody may get one.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { check } from "../support/axe.js";
import { openWindow, startBrowser } from "../support/browser.js";
import { startServer } from "../support/server.js";
import { eventually, noFaults, on } from "../support/world.js";

let chromium;
const servers = [];
const start = async (options) => {
  const server = await startServer(options);
  servers.push(server);
  return server;
};
before(async () => {
  chromium = await startBrowser();
});
after(async () => {
  await chromium.stop();
  for (const server of servers) await server.stop();
});

const fill = async (page, values) => {
  for (const [name, value] of Object.entries(values)) await page.getByRole("textbox", { name, exact: true }).fill(value);
};

for (const size of ["desktop", "phone"]) {
  test(`the first account looks after the server; then one signs out and in again (${size})`, async () => {
    const server = await start();
    const window = await openWindow(chromium.browser, server, { size });
    const page = await window.open("/");
    assert.match(page.url(), /\/login$/);
    await page.getByRole("link", { name: "Create an account" }).click();
    await page.getByText("The first account looks after the server.").waitFor();

    // Faults stand beside their fields, and in an alert; the first faulty field has the focus.
    await fill(page, { Name: "Lin Ashworth", Email: "lin@", Password: "correct horse", "Confirm password": "correct hors" });
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByText("This address is not complete.").waitFor();
    await page.getByText("The two passwords differ.").waitFor();
    await page.getByRole("alert").getByText("2 things need another look.").waitFor();
    const email = page.getByRole("textbox", { name: "Email" });
    assert.ok(await email.evaluate((input) => input === document.activeElement && input.getAttribute("aria-invalid") === "true"));
    await fill(page, { Email: "lin@example.org", "Confirm password": "correct horse" });
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByText("Good").first().waitFor();
    assert.equal((await server.call("/entrance")).first_account, false);

    if (size === "phone") await page.getByRole("button", { name: "Open the list" }).click();
    await page.getByRole("navigation", { name: "Conversations" }).getByRole("button", { name: "More", exact: true }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await fill(page, { Email: "lin@example.org", Password: "wrong horse" });
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").getByText("Email or password is not right.").waitFor();
    assert.ok(await page.getByRole("textbox", { name: "Password" }).evaluate((input) => input === document.activeElement));
    assert.equal(await email.inputValue(), "lin@example.org");
    await fill(page, { Password: "correct horse" });
    await page.keyboard.press("Enter");
    await on(page).message.waitFor();
    noFaults(window);
    await window.close();
  });
}

test("an email that is taken is said beside it, and nothing is lost", async () => {
  const server = await start();
  const ada = await server.person("Ada Stone");
  const window = await openWindow(chromium.browser, server);
  const page = await window.open("/register");
  await fill(page, { Name: "Other", Email: ada.email, Password: "correct horse", "Confirm password": "correct horse" });
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByText("This email is already in use.").waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Name" }).inputValue(), "Other");
  noFaults(window);
  await window.close();
});

test("closed, by invitation, with a set-up code: the door says so", async () => {
  const closed = await start({ settings: { AUTH__REGISTRATION: "closed" } });
  const window = await openWindow(chromium.browser, closed);
  const page = await window.open("/register");
  await page.getByText("The first account looks after the server.").waitFor();
  await closed.person();
  await page.goto("/login");
  await page.getByText("Ask the person who runs this server.").waitFor();
  await page.goto("/register");
  await page.getByText("This server takes no new accounts.").waitFor();
  noFaults(window);
  await window.close();

  const invited = await start({ settings: { AUTH__REGISTRATION: "invite" } });
  await invited.person();
  const other = await openWindow(chromium.browser, invited);
  const form = await other.open("/register");
  await form.getByText("This server takes new accounts by invitation.").waitFor();
  assert.equal(await form.getByRole("textbox", { name: "Invitation" }).inputValue(), "");
  await form.goto("/register?invite=wrong-code");
  await form.getByText("You are invited.").waitFor();
  assert.equal(await form.getByRole("textbox", { name: "Invitation" }).inputValue(), "wrong-code");
  await fill(form, { Name: "Guest", Email: "guest@example.org", Password: "correct horse", "Confirm password": "correct horse" });
  await form.getByRole("button", { name: "Create account" }).click();
  await form.getByRole("alert").getByText(/this one is not good/).waitFor();
  noFaults(other);
  await other.close();

  const outside = await start({ settings: { SERVER__PUBLIC_URL: "http://chat.example.org" } });
  const third = await openWindow(chromium.browser, outside);
  const first = await third.open("/register");
  await first.getByRole("textbox", { name: "Set-up code" }).waitFor();
  noFaults(third);
  await third.close();
});

test("both languages, before sign in too; what was typed stays", async () => {
  const server = await start();
  await server.person();
  const window = await openWindow(chromium.browser, server, { language: "zh-CN" });
  const page = await window.open("/");
  await page.getByRole("heading", { name: "登录" }).waitFor();
  assert.equal(await page.getAttribute("html", "lang"), "zh-CN");
  await page.getByRole("textbox", { name: "邮箱" }).fill("lin@example.org");
  await page.getByRole("button", { name: "Language: English" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Email" }).inputValue(), "lin@example.org");
  await page.reload();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  noFaults(window);
  await window.close();
});

test("W7: the token stays in the tab unless one stays signed in", async () => {
  const server = await start();
  const ada = await server.person();
  for (const stays of [true, false]) {
    const window = await openWindow(chromium.browser, server);
    const page = await window.open("/login");
    await page.getByRole("checkbox", { name: "Stay signed in" }).setChecked(stays);
    await fill(page, { Email: ada.email, Password: ada.password });
    await page.getByRole("button", { name: "Sign in" }).click();
    await on(page).message.waitFor();
    const [inTab, kept, shown] = await page.evaluate(() => [sessionStorage.getItem("gpt-assistant:token"), localStorage.getItem("gpt-assistant:token"), document.documentElement.outerHTML + location.href]);
    assert.ok(inTab);
    assert.equal(kept, stays ? inTab : null);
    assert.ok(!shown.includes(inTab));
    noFaults(window);
    await window.close();
  }
});

test("too many tries: the button waits, and says for how long", async () => {
  const server = await start({ settings: { LIMITS__LOGIN_PER_MINUTE: "1" } });
  const window = await openWindow(chromium.browser, server);
  const page = await window.open("/login");
  await fill(page, { Email: "a@example.org", Password: "wrong horse" });
  const button = page.getByRole("button", { name: "Sign in" });
  const limit = page.getByText(/You can go on in \d+ s\./);
  for (let tries = 0; tries < 6 && !await limit.isVisible(); tries++) {
    await button.click();
    await eventually(async () => assert.ok(await button.isEnabled() || await limit.isVisible()));
  }
  await limit.waitFor();
  assert.equal(await button.isEnabled(), false);
  noFaults(window);
  await window.close();
});

test("first run: what is missing, by who one is", async () => {
  const server = await start({ key: null });
  const ada = await server.person("Ada Stone");
  const lin = await server.person("Lin Ashworth");
  const admin = await openWindow(chromium.browser, server, { person: ada });
  const page = await admin.open("/");
  await page.getByText("Welcome, Ada.").waitFor();
  await page.getByRole("link", { name: "Add my key" }).waitFor();
  const member = await openWindow(chromium.browser, server, { person: lin });
  const other = await member.open("/");
  await other.getByText("To answer, this server needs a key").waitFor();
  // The composer is a draft all the same; what is sent comes back with the reason.
  await on(other).ask("Is anybody there?");
  await other.getByRole("button", { name: "Check the key" }).waitFor();
  assert.equal(await on(other).message.inputValue(), "Is anybody there?");
  await other.getByRole("link", { name: "Add my key" }).click();
  await other.getByRole("textbox", { name: "API key" }).fill("sk-good-key-0123456789");
  await other.getByRole("button", { name: "Save key" }).click();
  await other.getByText("Key saved. It works.").waitFor();
  await other.getByText("sk-****6789").waitFor();
  await other.goBack();
  await on(other).message.press("Enter");
  await on(other).turn(0).getByText("You asked: Is anybody there?").waitFor();
  noFaults(admin);
  noFaults(member);
  await admin.close();
  await member.close();
});

test("first run: who looks after the server, and is alone there, is asked once to invite the others", async () => {
  const server = await start({ settings: { AUTH__REGISTRATION: "invite" } });
  const ada = await server.person("Ada Stone");
  const admin = await openWindow(chromium.browser, server, { person: ada });
  const page = await admin.open("/");
  await page.getByText("So far you are the only one here.").waitFor();
  await page.getByRole("button", { name: "Invite your family" }).click();
  await page.getByRole("dialog", { name: "Invite" }).getByRole("button", { name: "Make a link" }).click();
  const shown = page.getByRole("dialog", { name: "Invitation" });
  const link = new URL(await shown.getByRole("group").textContent());
  await shown.getByRole("button", { name: "Copy link" }).click();
  await shown.getByRole("button", { name: "Copied" }).waitFor();
  await page.keyboard.press("Escape");
  await page.reload();
  await page.getByRole("heading", { name: /Ada/ }).waitFor();
  await page.waitForLoadState("networkidle");
  assert.equal(await page.getByRole("button", { name: "Invite your family" }).count(), 0);
  noFaults(admin);
  await admin.close();

  // Put away, it stays away; and it is for nobody but administrators who are alone.
  const again = await openWindow(chromium.browser, server, { person: ada });
  const other = await again.open("/");
  await other.getByText("So far you are the only one here.").waitFor();
  assert.deepEqual(await check(other, "alone"), []);
  await other.locator("p", { hasText: "So far" }).getByRole("button", { name: "Close" }).click();
  await other.reload();
  await other.getByRole("heading", { name: /Ada/ }).waitFor();
  await other.waitForLoadState("networkidle");
  assert.equal(await other.getByText("So far you are the only one here.").count(), 0);
  noFaults(again);
  await again.close();

  const invite = link.searchParams.get("invite");
  const body = { name: "Joe", email: "joe@example.org", password: "correct horse", password_confirmation: "correct horse", invite };
  const { token } = await server.call("/register", { method: "POST", body });
  for (const person of [{ token }, ada]) {
    const window = await openWindow(chromium.browser, server, { person });
    const empty = await window.open("/");
    await empty.getByRole("heading", { name: person === ada ? /Ada/ : /Joe/ }).waitFor();
    await empty.waitForLoadState("networkidle");
    assert.equal(await empty.getByText("So far you are the only one here.").count(), 0);
    noFaults(window);
    await window.close();
  }
});
