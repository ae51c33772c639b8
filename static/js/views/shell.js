// The frame: the list at the side, which on a phone is a drawer; the banner; the way between rooms.

import { el, icon, iconButton, name, say, set } from "../lib/dom.js";
import { prefs } from "../models/kept.js";
import { mountSidebar } from "./sidebar.js";

const NARROW = "(max-width: 820px)";
/** A finger that begins so near to the edge may pull the drawer out. */
const EDGE = 28;
const PULL = 48;
/** A short loss of the line is nobody's business. */
const SILENT = 3000;

export function mountShell(ctx) {
  const { t } = ctx;
  const [skip, shell, nav, scrim] = [".skip", ".shell", "#sidebar", ".scrim"].map((query) => document.querySelector(query));
  const narrow = matchMedia(NARROW);
  const skipTo = (event) => {
    event.preventDefault();
    const room = document.querySelector("main:not([hidden])");
    const target = room.querySelector("#message") ?? room.querySelector("h1");
    if (target.matches("h1")) target.tabIndex = -1;
    target.focus();
  };
  skip.addEventListener("click", skipTo);
  set(nav, { "aria-label": t("conversations") });
  const sidebar = mountSidebar(nav, ctx);

  const rooms = () => shell.querySelectorAll("main");
  ctx.drawer = {
    get isOpen() {
      return nav.hasAttribute("data-open");
    },
    open() {
      nav.setAttribute("data-open", "");
      scrim.hidden = false;
      for (const room of rooms()) room.inert = true;
      // Back closes it, as it closes everything on a phone.
      history.pushState({ ...history.state, drawer: true }, "");
      nav.querySelector("button, a")?.focus();
    },
    /** Closes it; its entry in the history goes too, unless Back has taken it already. */
    close(isBack = false) {
      if (!this.isOpen) return;
      nav.removeAttribute("data-open");
      scrim.hidden = true;
      for (const room of rooms()) room.inert = false;
      if (!isBack && history.state?.drawer) history.back();
      document.querySelector("main:not([hidden]) .open-list")?.focus({ preventScroll: true });
    },
  };

  ctx.toggleList = () => {
    if (narrow.matches) return ctx.drawer.isOpen ? ctx.drawer.close() : ctx.drawer.open();
    const isHidden = document.documentElement.dataset.list === "hidden";
    prefs.set("listHidden", !isHidden);
    set(nav, { inert: !isHidden });
    if (!isHidden) document.querySelector("main:not([hidden]) .open-list")?.focus();
    for (const control of document.querySelectorAll(".open-list, .hide-list")) control.setAttribute("aria-expanded", String(isHidden));
  };

  const fit = () => {
    const isHidden = !narrow.matches && document.documentElement.dataset.list === "hidden";
    set(nav, { inert: isHidden });
    if (!narrow.matches) ctx.drawer.close();
  };
  fit();
  narrow.addEventListener("change", fit);

  const pull = watchPull(shell, nav, ctx, narrow);
  scrim.addEventListener("click", () => ctx.drawer.close());
  const banner = createBanner(ctx);
  const announcement = watchAnnouncement(ctx);
  const seen = watchKeyboard();

  return {
    /** Another room is shown, or another conversation. */
    update(isChat) {
      say(skip, t(isChat ? "skip" : "skipToPage"));
      sidebar.update();
    },
    destroy() {
      skip.removeEventListener("click", skipTo);
      narrow.removeEventListener("change", fit);
      pull();
      banner();
      announcement();
      seen();
      sidebar.destroy();
    },
  };
}

/** Opens the drawer by a finger from the edge, and closes it by one that pushes it back. */
function watchPull(shell, nav, ctx, narrow) {
  let start = null;
  const isRtl = () => getComputedStyle(shell).direction === "rtl";
  const begin = ({ touches }) => {
    const [{ clientX, clientY }] = touches;
    const fromEdge = isRtl() ? innerWidth - clientX : clientX;
    start = narrow.matches && touches.length === 1 && (ctx.drawer.isOpen || fromEdge < EDGE) ? { clientX, clientY } : null;
  };
  const move = ({ touches }) => {
    if (!start) return;
    const along = (touches[0].clientX - start.clientX) * (isRtl() ? -1 : 1);
    const across = Math.abs(touches[0].clientY - start.clientY);
    if (across > PULL) start = null;
    else if (along > PULL && !ctx.drawer.isOpen) ctx.drawer.open();
    else if (along < -PULL && ctx.drawer.isOpen) ctx.drawer.close();
    else return;
    start = null;
  };
  shell.addEventListener("touchstart", begin, { passive: true });
  shell.addEventListener("touchmove", move, { passive: true });
  return () => {
    shell.removeEventListener("touchstart", begin);
    shell.removeEventListener("touchmove", move);
  };
}

/** Says that the line is lost, after a moment, in whichever room one is. */
function createBanner({ t, line }) {
  const banner = el("div.banner", { role: "status" }, icon("offline", "icon small"), el("span", null, t("offline")));
  let timer;
  const show = () => document.querySelector("main:not([hidden]) .bar")?.after(banner);
  const look = () => {
    clearTimeout(timer);
    if (line.isUp) banner.remove();
    else timer = setTimeout(show, SILENT);
  };
  line.addEventListener("change", look);
  look();
  return () => {
    clearTimeout(timer);
    banner.remove();
    line.removeEventListener("change", look);
  };
}

/** What is said to everybody is shown by a part that is fetched when there is something. */
function watchAnnouncement(ctx) {
  const { session, using } = ctx;
  let [made, isOver] = [null, false];
  const look = async () => {
    if (!made && session.user?.announcement) await using("announcement", ({ mountAnnouncement }) => {
      if (!isOver) made ??= mountAnnouncement(ctx);
    });
    made?.look();
  };
  session.addEventListener("user", look);
  look();
  return () => {
    isOver = true;
    session.removeEventListener("user", look);
    made?.destroy();
  };
}

/** Where a keyboard covers the page instead of making it smaller (iOS), the frame takes what is left. */
function watchKeyboard() {
  const view = window.visualViewport;
  if (!view) return () => {};
  const look = () => {
    const isCovered = view.scale === 1 && innerHeight - view.height > 100;
    if (isCovered) {
      document.documentElement.style.setProperty("--seen", `${view.height}px`);
      scrollTo(0, 0);
    } else document.documentElement.style.removeProperty("--seen");
  };
  view.addEventListener("resize", look);
  return () => view.removeEventListener("resize", look);
}

/** The bar above a room: the way to the list, the title, tools, and on a phone a new chat. */
export function fillBar(bar, ctx, { title = "", tools = [], isPlain = false } = {}) {
  const { t } = ctx;
  bar.classList.toggle("plain", isPlain);
  const open = iconButton("menu", t("openList"), () => ctx.toggleList(), { class: "icon-button open-list", "aria-controls": "sidebar", "aria-expanded": "false" });
  const heading = el(isPlain ? "p.bar-title" : "h1.bar-title", { dir: "auto" }, title);
  const fresh = iconButton("compose", t("newChat"), () => ctx.newChat(), { class: "icon-button phone" });
  bar.replaceChildren(open, heading, ...tools, fresh);
  return { heading, rename: (text) => say(heading, text), name };
}
