// Starts the page: language, login, rooms, addresses.

import { createContext, mountToast } from "./context.js";
import { createWords } from "./lib/words.js";
import { prefs } from "./models/kept.js";
import { base } from "./models/session.js";
import { watchVersions } from "./lib/trusted.js";

const root = document.documentElement;
const ROOMS = { "/settings": "settings", "/stats": "stats", "/admin": "admin" };
const [main, other, door] = ["#chat", "#room", "#door"].map((id) => document.querySelector(id));

const ctx = createContext();
const { session, line } = ctx;
/** What is mounted: the door, or what is always there inside, and a room beside the chat. */
const page = { door: null, inside: null, room: null };

const pathNow = () => location.pathname.slice(base.length) || "/";
const addressNow = () => pathNow() + location.search + location.hash;

// --- addresses

ctx.go = (path) => {
  if (path !== addressNow()) {
    // The drawer has an entry of its own in the history: the new address takes its place.
    if (history.state?.drawer) history.replaceState(null, "", ctx.address(path));
    else history.pushState(null, "", ctx.address(path));
  }
  ctx.drawer?.close(true);
  return route();
};
ctx.replace = (path) => history.replaceState(history.state, "", ctx.address(path));

ctx.newChat = async () => {
  await ctx.go("/chat");
  // On a phone the keyboard would cover what one may want to read first.
  if (!matchMedia("(pointer: coarse)").matches) page.inside?.chat?.composer.focus();
};

/** Somebody has signed in, and goes where she wanted to. */
ctx.entered = () => {
  history.replaceState(null, "", ctx.address(history.state?.wanted ?? "/"));
  route();
};

/** Everything anew, in the language that is chosen now. */
ctx.restart = async () => {
  await speak();
  leave();
  route();
};

/** Shows what the address says. */
async function route() {
  const path = pathNow();
  const isDoor = path === "/login" || path === "/register";
  if (isDoor !== (session.token === null)) {
    const wanted = isDoor ? null : { wanted: addressNow() };
    history.replaceState(wanted, "", ctx.address(isDoor ? "/" : "/login"));
    return route();
  }
  if (isDoor) return showDoor(path);
  if (!page.inside && !await enter()) return;
  const room = ROOMS[path] ?? null;
  root.dataset.place = room ? "room" : "chat";
  main.hidden = room !== null;
  other.hidden = room === null;
  page.room?.destroy();
  page.room = null;
  if (room) return showRoom(room);
  const id = Number(path.match(/^\/chat\/(\d+)$/)?.[1]) || null;
  const turn = Number(location.hash.match(/^#turn-(\d+)$/)?.[1]) || null;
  ctx.currentConversation = id;
  page.inside.shell.update(true);
  const { inside } = page;
  const { mountChat } = await ctx.load("chat");
  if (inside !== page.inside || main.hidden) return;
  inside.chat ??= mountChat(main, ctx);
  await inside.chat.open(id, { turn });
}

async function showDoor(path) {
  leave();
  root.dataset.place = "door";
  const { mountDoor } = await import("./views/door.js");
  page.door?.destroy();
  page.door = mountDoor(door, ctx, path);
}

async function showRoom(room) {
  ctx.currentConversation = null;
  page.inside.shell.update(false);
  const wanted = location.href;
  try {
    const { mount } = await ctx.load(room);
    if (wanted !== location.href) return;
    page.room?.destroy();
    page.room = mount(other, ctx);
  } catch {
    // The room of this version is gone: the next version has one. Drafts are kept.
    if (line.isUp) location.reload();
  }
}

// --- coming in and going out

let entering = null;
const enter = () => {
  entering ??= comeIn().finally(() => {
    entering = null;
  });
  return entering;
};

/** Mounts what is always there for somebody who is signed in. */
async function comeIn() {
  const parts = Promise.all([ctx.load("shell"), ctx.load("keyboard")]);
  while (session.user === null) {
    try {
      session.user = await ctx.api("/user");
    } catch (fault) {
      if (fault.status === 401) return false;
      await (line.isUp ? new Promise((resolve) => setTimeout(resolve, 2000)) : line.whenUp());
    }
  }
  const { locale } = session.user;
  if (locale && prefs.get("language") === null && locale !== ctx.t.locale) {
    prefs.set("language", locale);
    await speak();
  }
  leave();
  ctx.begin();
  const [{ mountShell }, { mountKeyboard }] = await parts;
  page.inside = { toast: mountToast(ctx), shell: mountShell(ctx), keyboard: mountKeyboard(ctx, page), chat: null };
  return true;
}

function leave() {
  // What a dialog shows is not for whoever stands at the door.
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  page.door?.destroy();
  page.room?.destroy();
  for (const part of Object.values(page.inside ?? {})) part?.destroy();
  Object.assign(page, { door: null, room: null, inside: null });
}

async function speak() {
  const wanted = prefs.get("language") ?? root.lang;
  const language = wanted === "zh-CN" ? "zh-CN" : "en";
  // Dates and numbers as they are written where the reader lives, if that is in this language.
  const regional = navigator.languages.find((each) => each.split("-")[0] === language.split("-")[0]);
  ctx.t = createWords((await import(`./i18n/${language}.js`)).default, language, regional);
  root.lang = language;
}

// --- what happens outside

addEventListener("popstate", () => {
  if (ctx.drawer?.isOpen) ctx.drawer.close(true);
  else route();
});

// Links of the page stay in it; a press that asks for another tab gets one.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || link.target) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || !url.pathname.startsWith(`${base}/`) || link.hasAttribute("download")) return;
  event.preventDefault();
  ctx.go(url.pathname.slice(base.length) + url.search + url.hash);
});

session.addEventListener("end", () => {
  history.replaceState({ wanted: addressNow() }, "", ctx.address("/login"));
  route();
});
session.addEventListener("sibling", ({ detail: { what } }) => {
  if (!page.inside) return;
  if (what === "user") ctx.knowUser();
  else ctx.list.refresh().catch(() => {});
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && page.inside) ctx.list.refresh().catch(() => {});
});

await Promise.all([speak(), session.begin()]);
await route();
root.dataset.ready = "";
watchVersions(ctx);
