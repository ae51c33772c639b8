// Two-factor login: set up, asked for at the door, and switched off.

import assert from "node:assert/strict";
import { test } from "node:test";
import { check } from "../support/axe.js";
import { codeOf } from "../support/totp.js";
import { createWorld, eventually, noFaults, on } from "../support/world.js";

const world = createWorld();
const fine = async (page, view) => assert.deepEqual(await check(page, view), []);

for (const size of ["desktop", "phone"]) {
  test(`set up with a picture and recovery codes, asked for at the door, switched off (${size})`, async () => {
    const window = await world.window({ size });
    const { person } = window;
    const page = await window.open("/settings#security");
    const box = (scope, name) => scope.getByRole("textbox", { name, exact: true });
    await page.getByRole("button", { name: "Set up two-factor login" }).click();
    const ask = page.getByRole("dialog", { name: "Two-factor login" });
    await box(ask, "Current password").fill("not it");
    await ask.getByRole("button", { name: "Go on" }).click();
    await ask.getByText("The password is not right.").waitFor();
    await box(ask, "Current password").fill(person.password);
    await ask.getByRole("button", { name: "Go on" }).click();
    const image = ask.getByRole("img", { name: "Picture for your authenticator app" });
    await image.waitFor();
    assert.ok(await image.evaluate((element) => element.complete && element.naturalWidth > 0), "the picture is drawn");
    const secret = await ask.getByText(/^([A-Z2-7]{4} ?){8}$/).textContent();
    await fine(page, "set up");
    await box(ask, "Code").fill(codeOf(secret, 40));
    await ask.getByRole("button", { name: "Switch on" }).click();
    await ask.getByRole("alert").getByText("This code is not right").waitFor();
    await box(ask, "Code").fill(codeOf(secret));
    await ask.getByRole("button", { name: "Switch on" }).click();
    const shown = page.getByRole("dialog", { name: "Recovery codes" });
    const codes = (await shown.getByRole("group", { name: "Recovery codes" }).textContent()).split("\n");
    assert.equal(codes.length, 10);
    await fine(page, "recovery codes");
    const [download] = await Promise.all([page.waitForEvent("download"), shown.getByRole("button", { name: "Save as a file" }).click()]);
    assert.equal(download.suggestedFilename(), "gpt-assistant-recovery-codes.txt");
    await shown.getByRole("button", { name: "Close" }).last().click();
    await page.getByRole("button", { name: "Switch off two-factor login" }).waitFor();
    noFaults(window);
    await window.close();

    const door = await world.window({ person: null, size });
    const entry = await door.open("/login");
    await box(entry, "Email").fill(person.email);
    await box(entry, "Password").fill(person.password);
    assert.equal(await box(entry, "Code").count(), 0, "nobody is asked before");
    await entry.getByRole("button", { name: "Sign in" }).click();
    await entry.getByText("One step more: the code from your authenticator app.").waitFor();
    assert.ok(await box(entry, "Code").evaluate((input) => input === document.activeElement));
    await fine(entry, "code");
    await box(entry, "Code").fill("000000");
    await entry.keyboard.press("Enter");
    await entry.getByRole("alert").getByText("This code is not right, or was used before.").waitFor();
    await box(entry, "Code").fill(codeOf(secret, 1));
    await entry.keyboard.press("Enter");
    await on(entry).message.waitFor();
    await entry.goto("/settings#security");
    await entry.getByRole("button", { name: "Switch off two-factor login" }).click();
    const off = entry.getByRole("dialog", { name: "Switch off two-factor login" });
    await box(off, "Current password").fill(person.password);
    await box(off, "Code").fill(codes[3]);
    await off.getByRole("button", { name: "Switch off" }).click();
    await entry.getByText("Two-factor login is off.").waitFor();
    await entry.getByRole("button", { name: "Set up two-factor login" }).waitFor();
    noFaults(door);
    await door.close();
  });
}

/** Turns it on without a page. Gives the recovery codes. */
async function turnOn(person) {
  const { secret } = await person.call("/user/totp", { method: "POST", body: { password: person.password } });
  return (await person.call("/user/totp/confirm", { method: "POST", body: { code: codeOf(secret) } })).recovery_codes;
}

test("a recovery code is let in at the door, and can be typed on a phone", async () => {
  const person = await world.server.person();
  const [code] = await turnOn(person);
  const window = await world.window({ person: null, size: "phone" });
  const page = await window.open("/login");
  const box = (name) => page.getByRole("textbox", { name, exact: true });
  await box("Email").fill(person.email);
  await box("Password").fill(person.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await box("Code").waitFor();
  assert.match(code, /[a-z]/, "it has letters");
  assert.equal(await box("Code").evaluate((input) => input.inputMode), "", "the whole keyboard");
  await box("Code").pressSequentially(code);
  await page.keyboard.press("Enter");
  await on(page).message.waitFor();
  noFaults(window);
  await window.close();
});

test("what is shown once is not closed by chance, and not left over the door", async () => {
  const window = await world.window();
  const { person } = window;
  const page = await window.open("/settings#security");
  await page.getByRole("button", { name: "Set up two-factor login" }).click();
  const ask = page.getByRole("dialog", { name: "Two-factor login" });
  await ask.getByRole("textbox", { name: "Current password" }).fill(person.password);
  await ask.getByRole("button", { name: "Go on" }).click();
  const secret = await ask.getByText(/^([A-Z2-7]{4} ?){8}$/).textContent();
  await ask.getByRole("textbox", { name: "Code" }).fill(codeOf(secret));
  await ask.getByRole("button", { name: "Switch on" }).click();
  const shown = page.getByRole("dialog", { name: "Recovery codes" });
  await shown.waitFor();
  const sure = page.getByRole("dialog", { name: "Close without keeping it?" });
  await page.mouse.click(5, 5);
  assert.deepEqual([await shown.isVisible(), await sure.count()], [true, 0], "a press beside it is nothing");
  for (let time = 0; time < 3; time++) {
    await page.keyboard.press("Escape");
    await sure.getByRole("button", { name: "Cancel" }).click();
    await page.waitForFunction(() => document.querySelectorAll("dialog").length === 1);
    assert.ok(await shown.isVisible());
  }
  await fine(page, "once");
  // The login ends elsewhere.
  await person.call("/logout-all", { method: "POST" });
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.equal(await page.getByRole("dialog").count(), 0);
  noFaults(window);
  await window.close();
});

test("what was copied closes at the first Esc", async () => {
  const window = await world.window({ person: world.admin });
  const page = await window.open("/admin");
  await page.getByRole("button", { name: "Invite", exact: true }).click();
  await page.getByRole("button", { name: "Make a link" }).click();
  const shown = page.getByRole("dialog", { name: "Invitation" });
  await shown.getByRole("button", { name: "Copy link" }).click();
  await shown.getByRole("button", { name: "Copied" }).waitFor();
  await page.keyboard.press("Escape");
  await eventually(async () => assert.equal(await page.getByRole("dialog").count(), 0));
  noFaults(window);
  await window.close();
});

test("what a quick server says of a field stays there", async () => {
  const window = await world.window();
  const page = await window.open("/settings#security");
  await page.route(/\/api\/user\/totp$/, (route) => route.fulfill({ status: 400, json: { error: "Some of the values are not right.", code: "invalid_parameter", fields: { password: "The password is not right." } } }));
  await page.getByRole("button", { name: "Set up two-factor login" }).click();
  const ask = page.getByRole("dialog", { name: "Two-factor login" });
  await ask.getByRole("textbox", { name: "Current password" }).fill("not it");
  await ask.getByRole("button", { name: "Go on" }).click();
  await ask.getByText("The password is not right.").waitFor();
  await page.waitForTimeout(500);
  assert.ok(await ask.getByText("The password is not right.").isVisible());
  noFaults(window);
  await window.close();
});
