// Settings: one page, with a way to each part at its side. Choices are saved at once, text has its own button.

import { el, icon, say, set } from "../lib/dom.js";
import { accountParts } from "./settings_account.js";
import { choiceParts } from "./settings_choices.js";
import { fillBar } from "./shell.js";

export function mount(main, ctx) {
  const { t } = ctx;
  const bar = el("header.bar");
  fillBar(bar, ctx, { isPlain: true });
  const form = createForm(ctx);
  const { you, keys, security, data } = accountParts(ctx, form);
  const { answers, look } = choiceParts(ctx, form);
  const groups = [["you", t("you"), you], ["keys", t("apiKey"), keys], ["answers", t("answers"), answers], ["look", t("appearance"), look], ["security", t("security"), security], ["data", t("yourData"), data]];
  const sections = groups.map(([id, word, settings]) => el("section.group", { id, "aria-labelledby": `${id}-title` }, el("h2", { id: `${id}-title`, tabindex: -1 }, word), ...settings));
  const links = groups.map(([id, word]) => el("a", { href: `#${id}`, click: (event) => {
    event.preventDefault();
    ctx.replace(`/settings#${id}`);
    show(id, true);
  } }, word));
  const nav = el("nav.local-nav", { "aria-label": t("settings") }, ...links);
  const page = el("div.page", { tabindex: -1 }, el("div.settings", null, el("header", null, el("h1.title", null, t("settings"))), nav, el("div", null, ...sections)));
  main.replaceChildren(bar, page);
  document.title = `${t("settings")} · gpt-assistant`;

  /** The part that one reads now. */
  const look_ = () => {
    const edge = page.getBoundingClientRect().top + 120;
    const isEnd = page.scrollTop + page.clientHeight >= page.scrollHeight - 4;
    const at = isEnd ? sections.length - 1 : sections.findLastIndex((section) => section.getBoundingClientRect().top <= edge);
    links.forEach((link, index) => set(link, { "aria-current": index === Math.max(0, at) ? "true" : null }));
  };
  function show(id, isFocused) {
    const section = sections.find((each) => each.id === id);
    section?.scrollIntoView();
    if (isFocused) section?.querySelector("h2").focus({ preventScroll: true });
    look_();
  }
  page.addEventListener("scroll", look_, { passive: true });
  look_();
  if (location.hash) show(location.hash.slice(1), true);
  return {
    destroy() {
      form.destroy();
      main.replaceChildren();
    },
  };
}

/** What the parts share: rows, and saying that something was saved or why not. */
function createForm(ctx) {
  const { t, api, session } = ctx;
  const after = [];
  const status = () => el("span.saved", { role: "status" });

  /** A row: a label, a line of help, the control. */
  function row(word, help, ...content) {
    return el("div.setting", null, el("div", null, el("p.label", null, word), help && el("p.help", null, help)), el("div.stack", null, ...content));
  }

  /** Saves; says so beside the control. */
  async function save(change, said) {
    said.classList.remove("danger");
    try {
      await change();
      say(said, t("saved"));
      setTimeout(() => say(said, ""), 3000);
      return true;
    } catch (fault) {
      if (fault.status === 401) return false;
      said.classList.add("danger");
      say(said, fault.code === "offline" ? t("offlineNow") : t.said(Object.values(fault.fields ?? {})[0] ?? fault.message));
      return false;
    }
  }

  /** Changes the account. */
  async function account(body) {
    session.know(await api("/user", { method: "PATCH", body }));
    session.tell({ what: "user" });
  }

  /** Some choices of which one holds. */
  function segmented(word, choices, value, choose) {
    const name = `choice-${word}`;
    return el("div.segmented", { role: "radiogroup", "aria-label": word }, ...choices.map(([key, label]) => {
      const input = el("input", { type: "radio", name, value: key, change: () => choose(key) });
      input.checked = key === value;
      return el("label", null, input, label);
    }));
  }

  function select(word, options, value, choose) {
    const input = el("select.select", { "aria-label": word, change: () => choose(input.value) }, ...options.map(([key, label, lang]) => el("option", { value: key, lang }, label)));
    input.value = value;
    return { input, element: el("div.select-wrap", null, input, icon("down", "icon small")) };
  }

  /** Watches something as long as the page is open. */
  function watch(target, name, listener) {
    target.addEventListener(name, listener);
    after.push(() => target.removeEventListener(name, listener));
  }

  return { row, save, account, segmented, select, status, watch, destroy: () => after.forEach((each) => each()) };
}
