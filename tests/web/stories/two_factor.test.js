// Two-factor login: set up, asked for at the door, and switched off.

import assert from "node:assert/strict";
import { test } from "node:test";
import { check } from "../support/axe.js";
import { codeOf } from "../support/totp.js";
import { createWorld, noFaults, on } from "../support/world.js";

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
