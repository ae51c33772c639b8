// Starts the page: language, login, rooms, addresses.

import { createWords } from "./lib/words.js";
import { base, createApi, Line } from "./models/api.js";
import { createDrafts } from "./models/drafts.js";
import { prefs } from "./models/kept.js";
import { List, Models } from "./models/list.js";
import { Session } from "./models/session.js";
import { mountChat } from "./views/chat.js";
import { mountKeyboard } from "./views/keyboard.js";
import { mountShell } from "./views/shell.js";
import { mountToast } from "./views/toast.js";

const root = document.documentElement;
const ROOMS = { "/settings": "settings", "/stats": "stats" };

const session = new Session();
const line = new Line();
const api = createApi(session, line);
const ctx = { session, line, api, address: (path) => `${base}${path}`, currentConversation: null };
const page = { door: null, inside: null, room: null };

/** A part of the page that is not always needed. Where it has gone, a newer page has come: the address is opened anew. */
ctx.load = async (part) => {
  try {
    return await import(`./views/${part}.js`);
  } catch (fault) {
    if (line.isUp) ctx.offerUpdate?.();
    ctx.toast?.(ctx.t("newVersion"), { action: { word: ctx.t("reload"), run: () => location.reload() } });
    throw fault;
  }
};

ctx.go = (path) => {
  if (path === currentAddress()) return route();
  const isDrawer = history.state?.drawer;
  if (ctx.drawer?.isOpen) {
    history.replaceState(null, "", ctx.address(path));
    ctx.drawer.close(true);
  } else if (isDrawer) history.replaceState(null, "", ctx.address(path));
  else history.pushState(null, "", ctx.address(path));
  route();
};
ctx.replace = (path) => history.replaceState(history.state, "", ctx.address(path));

ctx.newChat = async () => {
  ctx.go("/chat");
  if (!matchMedia("(pointer: coarse)").matches) page.inside?.chat.composer.focus();
};

/** Says a fault that has no place of its own. */
ctx.fail = async (fault) => {
  if (fault?.status === 401 || fault?.name === "AbortError") return;
  const { said } = await import("./views/turn_end.js");
  ctx.toast(fault.code === "offline" ? ctx.t("offlineNow") : said({ code: fault.code, message: Object.values(fault.fields ?? {})[0] ?? fault.message }, ctx.t).sentence);
};

/** Reads the account anew: its caps and key decide what is shown. */
ctx.knowUser = async () => {
  try {
    session.know(await api("/user"));
  } catch {
    // The line or the login is lost, and says so itself.
  }
};

/** Fetches a file, since a plain link cannot say who one is, and hands it to the browser to keep. */
ctx.download = async (path, query) => {
  try {
    const response = await api.ask(path, { query });
    const name = /filename\*=UTF-8''([^;]+)/i.exec(response.headers.get("content-disposition") ?? "")?.[1];
    const url = URL.createObjectURL(await response.blob());
    const link = Object.assign(document.createElement("a"), { href: url, download: decodeURIComponent(name ?? "export") });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (fault) {
    ctx.fail(fault);
  }
};

ctx.accountMenu = () => {
  const { t } = ctx;
  return [
    { word: t("settings"), sign: "gear", run: () => ctx.go("/settings") },
    { word: t("tokenUsage"), sign: "chart", run: () => ctx.go("/stats") },
    { word: t("archive"), sign: "archive", run: () => ctx.openShelf("archive") },
    { word: t("trash"), sign: "trash", run: () => ctx.openShelf("trash") },
    null,
    { word: t("shortcuts"), sign: "keys", run: () => ctx.openSheet("shortcuts") },
    { word: t("signOut"), sign: "leave", run: () => ctx.signOut() },
  ];
};

ctx.openShelf = async (kind) => (await ctx.load("shelf")).openShelf(ctx, kind);
ctx.openSheet = async (name) => (await ctx.load(name)).open(ctx);
ctx.confirm = async (question) => (await ctx.load("dialog")).confirm(ctx, question);
ctx.signOut = async () => {
  await api("/logout", { method: "POST" }).catch(() => {});
  session.leave();
};

/** Called when somebody has signed in: goes where one wanted to. */
ctx.entered = () => {
  page.door?.destroy();
  page.door = null;
  const wanted = history.state?.wanted ?? "/";
  history.replaceState(null, "", ctx.address(wanted));
  route();
};

/** Everything anew, in the language that is chosen now. */
ctx.restart = async () => {
  await speak();
  leave();
  page.door?.destroy();
  page.door = null;
  route();
};

async function speak() {
  const wanted = prefs.get("language") ?? root.lang;
  const language = ["en", "zh-CN"].includes(wanted) ? wanted : "en";
  // Dates and numbers as they are written where the reader lives, if that is in this language.
  const regional = navigator.languages.find((each) => each.split("-")[0] === language.split("-")[0]);
  ctx.t = createWords((await import(`./i18n/${language}.js`)).default, language, regional);
  root.lang = language;
}

const currentAddress = () => location.pathname.slice(base.length) + location.search + location.hash;

function leave() {
  page.room?.destroy();
  for (const part of Object.values(page.inside ?? {})) part.destroy();
  [page.room, page.inside] = [null, null];
}

/** Shows what the address says. */
async function route() {
  const path = location.pathname.slice(base.length) || "/";
  const isDoor = path === "/login" || path === "/register";
  if (session.token === null && !isDoor) {
    history.replaceState({ wanted: currentAddress() }, "", ctx.address("/login"));
    return route();
  }
  if (session.token !== null && isDoor) {
    history.replaceState(null, "", ctx.address("/"));
    return route();
  }
  if (isDoor) return showDoor(path);
  if (!page.inside && !await enter()) return;
  const room = ROOMS[path] ?? (path === "/admin" ? "lost" : null);
  root.dataset.place = room ? "room" : "chat";
  document.querySelector("#chat").hidden = room !== null;
  document.querySelector("#room").hidden = room === null;
  page.room?.destroy();
  page.room = null;
  if (room) return showRoom(room);
  const id = Number(path.match(/^\/chat\/(\d+)$/)?.[1]) || null;
  const turn = Number(location.hash.match(/^#turn-(\d+)$/)?.[1]) || null;
  ctx.currentConversation = id;
  await page.inside.chat.open(id, { turn });
  page.inside.shell.sidebar.update();
}

async function showDoor(path) {
  leave();
  root.dataset.place = "door";
  const { mountDoor } = await import("./views/door.js");
  page.door?.destroy();
  page.door = mountDoor(document.querySelector("#door"), ctx, path);
}

async function showRoom(room) {
  ctx.currentConversation = null;
  page.inside.shell.sidebar.update();
  const order = location.href;
  const { mount } = await ctx.load(room);
  if (order !== location.href || page.room) return;
  page.room = mount(document.querySelector("#room"), ctx);
}

/** Mounts what is always there for somebody who is signed in. */
async function enter() {
  if (session.user === null) {
    try {
      session.user = await api("/user");
    } catch (fault) {
      if (fault.status === 401) return false;
      await line.whenUp();
      return enter();
    }
  }
  const { user } = session;
  if (user.locale && prefs.get("language") === null && user.locale !== ctx.t.locale) {
    prefs.set("language", user.locale);
    await speak();
  }
  ctx.drafts = createDrafts(user.id);
  ctx.list = new List(ctx);
  ctx.models = new Models(ctx, user.default_model ?? prefs.get("model"));
  const toast = mountToast(ctx);
  const shell = mountShell(ctx);
  const chat = mountChat(document.querySelector("#chat"), ctx);
  page.inside = { toast, shell, chat, keyboard: mountKeyboard(ctx, page) };
  ctx.list.refresh().catch(() => {});
  ctx.models.refresh().then(() => prefs.set("model", ctx.models.preferred)).catch(() => {});
  return true;
}

addEventListener("popstate", () => {
  if (ctx.drawer?.isOpen) return ctx.drawer.close(true);
  route();
});

// Links of the page stay in it; a press that asks for another tab gets one.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || link.target) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || !url.pathname.startsWith(`${base}/`) || url.pathname.startsWith(`${base}/assets`)) return;
  event.preventDefault();
  ctx.go(url.pathname.slice(base.length) + url.search + url.hash);
});

session.addEventListener("end", () => {
  const wanted = currentAddress();
  leave();
  history.replaceState({ wanted }, "", ctx.address("/login"));
  route();
});

session.addEventListener("sibling", ({ detail }) => {
  if (detail.what === "list" || detail.what === "conversation") ctx.list?.refresh().catch(() => {});
  if (detail.what === "user") ctx.knowUser();
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && page.inside) ctx.list.refresh().catch(() => {});
});

await Promise.all([speak(), session.begin()]);
await route();
root.dataset.ready = "";
// What is not needed for the first words comes when they stand.
import("./models/app_shell.js").then(({ watchVersions }) => watchVersions(ctx));
