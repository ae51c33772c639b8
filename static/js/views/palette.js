// The command palette: conversations by their words, what one can do, where one can go. `>` looks at commands alone.

import { el, icon, isComposing, marked, set } from "../lib/dom.js";
import { printed } from "./keyboard.js";
import { findWords } from "../lib/text.js";
import { openDialog } from "./dialog.js";

const TYPING = 120;
const MOST = 6;

export function open(ctx) {
  const { t, list } = ctx;
  const input = el("input", { type: "text", role: "combobox", "aria-label": t("findOrDo"), placeholder: t("findOrDo"), "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false", dir: "auto" });
  const results = el("div.palette-list", { role: "listbox", id: "palette-list", "aria-label": t("palette") });
  const dialog = openDialog(ctx, t("palette"), { kind: "palette" });
  dialog.element.replaceChildren(el("div.palette-input", null, icon("search"), el("h2.sr", { id: "dialog-palette" }, t("palette")), input, el("kbd", null, "Esc")), results);
  let [chosen, timer, asked] = [0, null, null];
  const options = () => [...results.querySelectorAll("[role=option]")];

  const go = (path) => () => ctx.go(path);
  const commands = [
    { group: "doGroup", word: t("newChat"), sign: "compose", keys: "mod+shift+o", run: () => ctx.newChat() },
    ctx.currentConversation !== null && { group: "doGroup", word: t("export"), sign: "export", run: () => ctx.download(`/conversations/${ctx.currentConversation}/export`, { format: "markdown" }) },
    { group: "doGroup", word: t("conversationSettings"), sign: "sliders", keys: "alt+,", run: () => ctx.openConversationSettings() },
    { group: "doGroup", word: t("keyList"), sign: "sidebar", keys: "mod+b", run: () => ctx.toggleList() },
    { group: "doGroup", word: t("shortcuts"), sign: "keys", keys: "?", run: () => ctx.openSheet("shortcuts") },
    { group: "doGroup", word: t("signOut"), sign: "leave", run: () => ctx.signOut() },
    { group: "goToGroup", word: t("tokenUsage"), sign: "chart", run: go("/stats") },
    { group: "goToGroup", word: t("settings"), sign: "gear", keys: "mod+,", run: go("/settings") },
    ctx.session.user.role === "admin" && { group: "goToGroup", word: t("administration"), sign: "users", run: go("/admin") },
    { group: "goToGroup", word: t("archive"), sign: "archive", run: () => ctx.openShelf("archive") },
    { group: "goToGroup", word: t("trash"), sign: "trash", run: () => ctx.openShelf("trash") },
  ].filter(Boolean);

  function option({ words, sign, note, run }) {
    const element = el("div", { role: "option", id: `option-${results.querySelectorAll("[role=option]").length}`, "aria-selected": "false" }, icon(sign), el("span", { dir: "auto" }, ...words), el("span.end-note", null, ...note));
    element.addEventListener("pointermove", () => choose(options().indexOf(element)));
    element.addEventListener("click", () => {
      dialog.close();
      run();
    });
    return element;
  }

  function put(word, entries) {
    if (entries.length === 0) return;
    const group = el("div", { role: "group", "aria-label": word }, el("div.group-name", { "aria-hidden": "true" }, word));
    results.append(group);
    for (const entry of entries) group.append(option(entry));
  }

  function show(found, words) {
    results.replaceChildren();
    const now = Date.now() / 1000;
    put(t("conversations"), found.slice(0, MOST).map((item) => ({
      sign: "menu", note: [t.clock.short(item.updated, now)], run: go(`/chat/${item.id}${item.turn ? `#turn-${item.turn}` : ""}`),
      words: [...marked(item.title, findWords(item.title, words)), item.snippet ? el("small", { dir: "auto" }, ...marked(item.snippet, item.marks)) : ""],
    })));
    for (const group of ["doGroup", "goToGroup"]) {
      const fitting = commands.filter((command) => command.group === group && command.word.toLowerCase().includes(words.toLowerCase()));
      put(t(group), fitting.map((command) => ({ ...command, words: marked(command.word, findWords(command.word, words)), note: command.keys ? printed(command.keys).map((key) => el("kbd", null, key)) : [] })));
    }
    if (options().length === 0) results.append(el("p.palette-note", { role: "status" }, t("nothingHere")));
    choose(0);
  }

  function choose(at) {
    const all = options();
    chosen = all.length === 0 ? -1 : (at + all.length) % all.length;
    all.forEach((element, index) => set(element, { "aria-selected": String(index === chosen) }));
    set(input, { "aria-activedescendant": all[chosen]?.id });
    all[chosen]?.scrollIntoView({ block: "nearest" });
  }

  async function find() {
    const text = input.value.trim();
    asked?.abort();
    if (text.startsWith(">")) return show([], text.slice(1).trim());
    if (text === "") return show((list.items ?? []).map((item) => ({ ...item, snippet: "" })), "");
    asked = new AbortController();
    const { signal } = asked;
    const found = await list.search(text, { signal }).catch(() => []);
    if (!signal.aborted) show(found, text);
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, TYPING);
  });
  input.addEventListener("keydown", (event) => {
    if (isComposing(event)) return;
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen - 1);
    else if (event.key === "Enter") options()[chosen]?.click();
    else return;
    event.preventDefault();
  });
  find();
  input.focus();
}
