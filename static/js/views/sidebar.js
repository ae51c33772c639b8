// The list of conversations: new chat, search, groups by date, the account at the foot.

import { arrange, el, icon, iconButton, isCoarse, isComposing, isEnter, say, set } from "../lib/dom.js";

const SKELETON = 200;

export function mountSidebar(nav, ctx) {
  const { t, list } = ctx;
  const head = nav.querySelector(".sidebar-head");
  const hide = iconButton("sidebar", t("closeList"), () => ctx.toggleList(), { class: "icon-button hide-list", "aria-controls": "sidebar", "aria-expanded": "true" });
  head.replaceChildren(head.querySelector(".brand"), hide);

  // keyboard.js prints them: it knows which keyboard this is.
  const keys = (chord) => (isCoarse() ? null : el("kbd", { "data-keys": chord }));
  const fresh = el("button.side-link", { type: "button", "aria-label": t("newChat"), click: () => ctx.newChat() }, icon("compose"), t("newChat"), keys("mod+shift+o"));
  const search = el("input", { type: "search", "aria-label": t("search"), placeholder: t("search"), autocomplete: "off", dir: "auto", spellcheck: "false" });
  const tools = el("div.sidebar-tools", null, fresh, el("div.side-search", null, icon("search"), search, keys("mod+k")));
  const content = el("div.side-list");
  const update = el("div.side-update", { hidden: true }, el("span", null, t("newVersion")), el("button.link-button", { type: "button", click: () => location.reload() }, t("reload")));
  const foot = createFoot(ctx);
  nav.replaceChildren(head, tools, content, el("div.side-end", null, update, foot.element));
  ctx.offerUpdate = () => {
    update.hidden = false;
  };

  const items = new Map();
  const headings = new Map();
  let finder = null;

  const itemFor = (item) => {
    if (!items.has(item.id)) items.set(item.id, createItem(ctx, focusNext));
    const view = items.get(item.id);
    view.update(item, { isCurrent: item.id === ctx.currentConversation, found: null });
    return view.element;
  };
  /** Where the focus goes when one is gone. */
  const focusNext = (id) => (items.get(id)?.link ?? fresh).focus({ preventScroll: true });

  /** Groups keep their elements, so that the focus stays where it is. */
  function groupFor(group, members) {
    if (!headings.has(group)) headings.set(group, { heading: el("h2"), items: el("ul") });
    const part = headings.get(group);
    say(part.heading, groupName(group, t));
    arrange(part.items, members.map(itemFor));
    return [part.heading, part.items];
  }

  function showList() {
    if (list.items === null) return;
    const groups = list.groups();
    const empty = el("p.side-empty", null, t("emptyList"));
    const parts = groups.flatMap(([group, members]) => groupFor(group, members));
    const more = list.next === null ? [] : [watcher];
    arrange(content, parts.length > 0 ? [...parts, ...more] : [empty]);
    const ids = new Set(list.items.map((item) => item.id));
    for (const id of items.keys()) if (!ids.has(id)) items.delete(id);
    roam();
  }

  const watcher = el("div.side-more", { "aria-hidden": "true" });
  const watching = new IntersectionObserver(([entry]) => entry.isIntersecting && list.more().catch(() => {}), { root: content, rootMargin: "400px" });
  watching.observe(watcher);

  const skeleton = setTimeout(() => {
    if (list.items === null) content.replaceChildren(el("div.skeleton", { "aria-hidden": "true" }, el("i"), el("i"), el("i")));
  }, SKELETON);

  /** One stop for the Tab key: the conversation that is open, else the first. */
  function roam() {
    const links = [...content.querySelectorAll(".side-item > a")];
    const at = links.find((link) => link.matches("[aria-current]")) ?? links[0];
    for (const link of links) set(link, { tabindex: link === at ? 0 : -1 });
  }

  // Looking for something is fetched when one begins to.
  search.addEventListener("focus", async () => {
    const { mountSearch } = await ctx.load("sidebar_search");
    finder ??= mountSearch({ search, content, focusNext, showList, roam }, ctx);
  }, { once: true });

  content.addEventListener("keydown", (event) => {
    const row = event.target.closest(".side-item");
    if (!row || event.target.matches("input") || event.altKey || event.ctrlKey || event.metaKey) return;
    const links = [...content.querySelectorAll(".side-item > a")];
    const at = links.indexOf(row.querySelector("a"));
    const go = { ArrowDown: links[at + 1], ArrowUp: links[at - 1] ?? search, Home: links[0], End: links.at(-1), ArrowLeft: links[at], ArrowRight: row.querySelector("button") };
    if (event.key === "ContextMenu" || event.key === "F10" && event.shiftKey) row.querySelector("button").click();
    else if (event.key in go) go[event.key]?.focus();
    else return;
    event.preventDefault();
  });

  const change = () => !finder?.isOn && showList();
  list.addEventListener("change", change);
  if (list.items !== null) showList();

  return {
    search,
    update() {
      change();
      foot.update();
    },
    destroy() {
      clearTimeout(skeleton);
      watching.disconnect();
      list.removeEventListener("change", change);
      foot.destroy();
    },
  };
}

function groupName(group, t) {
  const [kind, value] = group.split(":");
  if (kind === "year") return value;
  if (kind === "month" && value) {
    const [year, month] = value.split("-").map(Number);
    return t.clock.month(new Date(year, month, 2).getTime() / 1000);
  }
  return t({ pinned: "pinned", today: "today", yesterday: "yesterday", week: "previous7", month: "previous30" }[kind]);
}

/** The account: its settings, and More. */
function createFoot(ctx) {
  const { t, session } = ctx;
  const [picture, person] = [el("span.avatar", { "aria-hidden": "true" }), el("span", { dir: "auto" })];
  const link = el("a", { href: ctx.address("/settings") }, picture, person, el("span.sr", null, t("yourAccount")));
  const more = iconButton("more", t("more"), () => ctx.openAccountMenu(more), { "aria-haspopup": "menu", "aria-expanded": "false" });
  const element = el("div.side-foot", null, link, more);
  function update() {
    const { user } = session;
    if (!user) return;
    say(person, user.name);
    fillAvatar(picture, user);
  }
  update();
  session.addEventListener("user", update);
  return { element, update, destroy: () => session.removeEventListener("user", update) };
}

/** The person's picture, or the first letter of the name. */
export function fillAvatar(holder, user) {
  const letter = [...user.name.trim()][0]?.toUpperCase() ?? "";
  holder.replaceChildren(user.avatar ? el("img", { src: user.avatar, alt: "" }) : letter);
}

/** A conversation in the list: a link, a sign while it answers, and More. */
export function createItem(ctx, focusNext) {
  const { t } = ctx;
  const words = el("span", { dir: "auto" });
  const running = el("i.running", { role: "img", "aria-label": t("answering"), title: t("answering"), hidden: true });
  const link = el("a", null, words, running);
  const more = iconButton("more", t("more"), () => ctx.openConversationMenu(more, item, { rename, focusNext }), { tabindex: -1, "aria-haspopup": "menu", "aria-expanded": "false" });
  const element = el("li.side-item", null, link, more);
  let item;

  /** The title as a field, in its place. */
  function rename() {
    const field = el("input.input", { "aria-label": t("title"), maxlength: 200, dir: "auto" });
    field.value = item.title;
    element.replaceChildren(field);
    let isOver = false;
    const end = (isKept) => {
      if (isOver) return;
      isOver = true;
      const title = field.value.trim();
      element.replaceChildren(link, more);
      if (isKept && title !== "" && title !== item.title) ctx.list.change(item.id, { title }).catch(ctx.fail);
    };
    field.addEventListener("keydown", (event) => {
      if (isComposing(event) || event.key !== "Escape" && !isEnter(event)) return;
      event.preventDefault();
      event.stopPropagation();
      end(isEnter(event));
      link.focus();
    });
    field.addEventListener("blur", () => end(true));
    field.focus();
    field.select();
  }

  return {
    element,
    link,
    update(now, { isCurrent, found }) {
      item = now;
      const address = ctx.address(`/chat/${item.id}`);
      set(link, { href: found?.turn ? `${address}#turn-${found.turn}` : address, "aria-current": isCurrent ? "page" : null, title: item.title });
      element.classList.toggle("current", isCurrent);
      if (found) words.replaceChildren(...found.title, found.snippet.length > 0 ? el("span.side-snippet", { dir: "auto" }, ...found.snippet) : "");
      else if (words.textContent !== item.title) words.textContent = item.title;
      running.hidden = !item.running || isCurrent;
      set(more, { "aria-label": t("more") });
    },
  };
}
