// A real Chromium, and pages in it as a person has them: a size, a language, a theme.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export const SIZES = { desktop: { width: 1280, height: 860 }, phone: { width: 390, height: 844 }, narrow: { width: 320, height: 640 }, tablet: { width: 820, height: 1180 } };

/** Starts the browser. */
export async function startBrowser() {
  const folder = await mkdtemp(join(tmpdir(), "gpt-assistant-chromium-"));
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
  return {
    browser,
    async stop() {
      await browser.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A window of a person: `size` names one of SIZES. What goes wrong in its pages is gathered in `faults`. */
export async function openWindow(browser, server, { size = "desktop", language = "en-GB", theme = "light", person = null, stays = false, ...more } = {}) {
  const isPhone = size === "phone" || size === "narrow";
  const context = await browser.newContext({ viewport: SIZES[size], locale: language, colorScheme: theme, hasTouch: isPhone, isMobile: isPhone, timezoneId: "Europe/Berlin", baseURL: server.url, ...more });
  context.setDefaultTimeout(8000);
  const faults = [];
  const watch = (page) => {
    page.on("pageerror", (fault) => faults.push(`error: ${fault.message}`));
    page.on("console", (message) => message.type() === "error" && !/the server responded with a status of (4|5)\d\d|net::ERR_(?!BLOCKED)/.test(message.text()) && faults.push(`console: ${message.text()}`));
    page.on("dialog", (dialog) => {
      faults.push(`dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (/^https?:$/.test(url.protocol) && url.host !== new URL(server.url).host && !more.hosts?.includes(url.host)) faults.push(`foreign: ${request.url()}`);
    });
  };
  context.on("page", watch);
  if (person) {
    await context.addInitScript(([token, kept]) => {
      // Once a tab, so that one can also sign out. Blank pages have no storage.
      if (location.protocol !== "http:" || sessionStorage.getItem("signed-in")) return;
      sessionStorage.setItem("signed-in", "yes");
      (kept ? localStorage : sessionStorage).setItem("gpt-assistant:token", token);
    }, [person.token, stays]);
  }
  const open = async (path = "/") => {
    const page = await context.newPage();
    await page.goto(path);
    await page.locator("html[data-ready]").waitFor({ state: "attached" });
    return page;
  };
  return { context, faults, open, close: () => context.close() };
}
