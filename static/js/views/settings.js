// Settings: one page, with a way to each part at its side. Choices are saved at once, text has its own button.

import { el, set } from "../lib/dom.js";
import { createForm } from "./form.js";
import { accountParts } from "./settings_account.js";
import { choiceParts } from "./settings_choices.js";
import { fillBar } from "./shell.js";

/** Its words are not in the table that is always read. */
export const needsMoreWords = true;

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
