// What every view is given: the models, the words, and what can be done from anywhere.

import { el, saveAs } from "./lib/dom.js";
import { createDrafts, prefs } from "./models/kept.js";
import { Line } from "./models/line.js";
import { List, Models } from "./models/list.js";
import { base, createApi, Session } from "./models/session.js";
import { sentenceOf } from "./views/fault.js";

const SHORT = 4000;
const LONG = 8000;
/** Texts that come within that time are said together. */
const GATHER = 400;

/** The context of the page. The views put in what they do: `toast`, `speak`, `drawer` and others. */
export function createContext() {
  const [session, line] = [new Session(), new Line()];
  const api = createApi(session, line);
  const ctx = { session, line, api, currentConversation: null, address: (path) => `${base}${path}` };

  /** Models of the person who is signed in. */
  ctx.begin = () => {
    const { id, default_model: preferred } = session.user;
    ctx.drafts = createDrafts(id);
    ctx.pictures = null;
    ctx.list = new List(ctx);
    ctx.models = new Models(ctx, preferred ?? prefs.get("model"));
    ctx.list.refresh().catch(() => {});
    ctx.models.refresh().then(() => prefs.set("model", ctx.models.preferred)).catch(() => {});
  };

  /** Words of the rooms beside the chat and of what is seldom opened. */
  ctx.moreWords = async () => ctx.t.add((await import(`./i18n/${ctx.t.locale}-more.js`)).default);

  /**
   * A part of the page that is not always needed; it says by `needsMoreWords` that it does. Where it is gone, the server
   * has a newer page: that is offered.
   */
  ctx.load = async (part) => {
    try {
      const module = await import(`./views/${part}.js`);
      if (module.needsMoreWords) await ctx.moreWords();
      return module;
    } catch (fault) {
      if (line.isUp) ctx.offerUpdate?.();
      const reload = { word: ctx.t("reload"), run: () => location.reload() };
      if (line.isUp) ctx.toast?.(ctx.t("newVersion"), { action: reload });
      else ctx.fail({ code: "offline" });
      throw fault;
    }
  };

  /** Says a fault that has no place of its own. */
  ctx.fail = (fault) => {
    if (fault?.status === 401 || fault?.name === "AbortError") return;
    ctx.toast?.(sentenceOf(fault, ctx.t));
  };

  /** Reads the account anew: its caps and key decide what is shown. */
  ctx.knowUser = async () => {
    try {
      session.know(await api("/user"));
    } catch {
      // The line or the login is lost, and says so itself.
    }
  };

  /** Fetches a file, since a plain link cannot say who one is. */
  ctx.download = async (path, query) => {
    try {
      const response = await api.ask(path, { query });
      const name = /filename\*=UTF-8''([^;]+)/i.exec(response.headers.get("content-disposition") ?? "")?.[1];
      saveAs(await response.blob(), decodeURIComponent(name ?? "export"));
    } catch (fault) {
      ctx.fail(fault);
    }
  };

  /** Does something with a part; where that is gone, it was said already. */
  const using = (part, run) => ctx.load(part).then(run, () => false);
  ctx.using = using;
  ctx.openShelf = (kind) => using("shelf", ({ openShelf }) => openShelf(ctx, kind));
  ctx.openSheet = (name) => using(name, ({ open }) => open(ctx));
  ctx.confirm = (question) => using("dialog", ({ confirm }) => confirm(ctx, question));
  ctx.openConversationMenu = (...about) => using("menus", ({ openConversationMenu }) => openConversationMenu(ctx, ...about));
  ctx.openAccountMenu = (anchor) => using("menus", ({ openAccountMenu }) => openAccountMenu(ctx, anchor));
  ctx.signOut = async () => {
    await api("/logout", { method: "POST" }).catch(() => {});
    session.leave();
  };
  return ctx;
}

/** Short notes at the foot of the page, one at a time, and what is said to those who listen. */
export function mountToast(ctx) {
  const { t } = ctx;
  const holder = document.querySelector(".toasts");
  let current = null;

  function end(isUndone) {
    if (!current) return;
    const { element, timer, onEnd } = current;
    clearTimeout(timer);
    current = null;
    element.remove();
    if (!isUndone) onEnd?.();
  }

  function start() {
    if (!current) return;
    clearTimeout(current.timer);
    current.timer = setTimeout(() => end(false), current.undo ? LONG : SHORT);
  }

  /** Shows a sentence; `undo` takes back what it says was done, `onEnd` is called when it can no longer be. */
  ctx.toast = (sentence, { undo, onEnd, action } = {}) => {
    end(false);
    const offered = undo ? { word: t("undo"), run: undo } : action;
    const press = () => {
      end(true);
      offered.run();
    };
    const hold = () => clearTimeout(current?.timer);
    const element = el("div.toast", { role: "status", pointerenter: hold, pointerleave: start, focusin: hold, focusout: start },
      el("span", null, sentence), offered && el("button", { type: "button", click: press }, offered.word));
    current = { element, undo: Boolean(offered), onEnd, timer: null };
    holder.append(element);
    start();
  };
  // Whoever leaves has not undone it.
  const leave = () => end(false);
  addEventListener("pagehide", leave);

  const [spoken, alerted] = [document.querySelector("#spoken"), document.querySelector("#alerted")];
  let [gathered, timer] = [[], null];
  /** Says a text politely. */
  ctx.speak = (text) => {
    gathered.push(text);
    timer ??= setTimeout(() => {
      spoken.textContent = gathered.join("\n");
      [gathered, timer] = [[], null];
    }, GATHER);
  };
  /** Says a fault at once. */
  ctx.alert = (text) => {
    alerted.textContent = text;
  };

  return {
    destroy() {
      end(false);
      removeEventListener("pagehide", leave);
    },
  };
}
