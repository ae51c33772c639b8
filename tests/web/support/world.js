// One server and one browser for a file of tests.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { openWindow, startBrowser } from "./browser.js";
import { startLine } from "./line.js";
import { startServer } from "./server.js";

/** Starts both before the tests of a file. `world.window(options)` gives a window of a new person, with her list of faults. */
export function createWorld(options = {}) {
  const world = { lines: [] };
  before(async () => {
    world.server = await startServer(options);
    world.chromium = await startBrowser();
    world.upstream = world.server.upstream;
    // The first account is the administrator's; tests are about others.
    if (!options.isFresh) world.admin = await world.server.person("Ada Stone");
  });
  after(async () => {
    await world.chromium?.stop();
    for (const line of world.lines) line.stop();
    await world.server?.stop();
  });
  /** With `hasLine` the window's line to the server can be cut. */
  world.window = async ({ person, hasLine = false, ...how } = {}) => {
    const owner = person === undefined ? await world.server.person() : person;
    const line = hasLine ? await startLine(world.server) : null;
    if (line) world.lines.push(line);
    const opened = await openWindow(world.chromium.browser, line ?? world.server, { person: owner, ...how });
    const close = async () => {
      await opened.close();
      line?.stop();
    };
    return { ...opened, close, line, person: owner };
  };
  return world;
}

/** Controls on a page by the names that people know. */
export function on(page) {
  const role = (kind, name, options = {}) => page.getByRole(kind, { name, exact: true, ...options });
  return {
    role,
    message: role("textbox", "Message"),
    send: role("button", "Send"),
    stop: role("button", "Stop"),
    log: role("log", "Conversation"),
    turns: role("log", "Conversation").getByRole("article"),
    turn: (number) => role("log", "Conversation").getByRole("article").nth(number),
    list: role("navigation", "Conversations"),
    async ask(text) {
      await role("textbox", "Message").fill(text);
      await role("textbox", "Message").press("Enter");
    },
    /** Asks, and waits until it is answered. */
    async chat(text) {
      await this.ask(text);
      await role("button", "Stop").waitFor({ state: "hidden" });
      await this.turns.last().getByRole("button", { name: "Copy", exact: true }).waitFor();
    },
  };
}

/** Something that a test opens when it wants, and an upstream waits for. */
export function gate() {
  let open;
  const opened = new Promise((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

/** Tries until it holds. */
export async function eventually(check, patience = 6000) {
  const end = Date.now() + patience;
  for (;;) {
    try {
      return await check();
    } catch (fault) {
      if (Date.now() > end) throw fault;
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
  }
}

export const noFaults = (window) => assert.deepEqual(window.faults, []);
