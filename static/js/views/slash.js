// Own prompts, by a slash at the beginning of the message box: found by name, filled in, put into the box.

import { el, isComposing, say, set } from "../lib/dom.js";
import { filled, fitting, Prompts, variablesOf } from "../models/prompts.js";
import { askWith } from "./ask.js";
import { createField } from "./field.js";

/** Its words are not in the table that is always read. */
export const needsMoreWords = true;

const MOST = 8;

/** Looks after the box as long as it is there. Gives `typed(text)`, to call with what is in the box, `close` and `destroy`. */
export function mountSlash(ctx, composer) {
  const { t } = ctx;
  const { field } = composer;
  const prompts = new Prompts(ctx);
  const list = el("div.slash", { role: "listbox", id: "slash", "aria-label": t("prompts") });
  const none = el("p.slash-none", { role: "status" });
  const box = el("div.slash-box", { hidden: true }, list, none);
  field.form.before(box);
  let [found, chosen, reading] = [[], 0, null];

  function close() {
    box.hidden = true;
    for (const name of ["aria-controls", "aria-activedescendant", "aria-autocomplete"]) field.removeAttribute(name);
    reading = null;
  }

  async function typed(text) {
    if (!/^\/[^\n/]*$/.test(text)) return close();
    if (box.hidden) reading ??= prompts.read().catch(() => null);
    await reading;
    // Meanwhile the box may hold something else, or one may be elsewhere.
    if (document.activeElement === field && field.value === text && prompts.items !== null) show(text.slice(1));
  }

  function show(words) {
    found = fitting(prompts.items ?? [], words.trim()).slice(0, MOST);
    // Who only wants to write a slash is not disturbed.
    if (found.length === 0 && words !== "") return close();
    list.replaceChildren(...found.map(option));
    list.hidden = found.length === 0;
    say(none, found.length === 0 ? t("noPromptsYet") : "");
    none.hidden = found.length > 0;
    box.hidden = false;
    if (found.length > 0) set(field, { "aria-controls": "slash", "aria-autocomplete": "list" });
    choose(0);
  }

  function option(prompt, at) {
    return el("div", {
      role: "option", id: `slash-${at}`, "aria-selected": "false", pointermove: () => choose(at), pointerdown: (event) => event.preventDefault(), click: () => use(prompt),
    }, el("b", { dir: "auto" }, prompt.name), el("span", { dir: "auto" }, prompt.text.replaceAll(/\s+/g, " ")));
  }

  function choose(at) {
    const options = [...list.children];
    if (options.length === 0) return;
    chosen = (at + options.length) % options.length;
    options.forEach((element, index) => set(element, { "aria-selected": String(index === chosen) }));
    set(field, { "aria-activedescendant": options[chosen].id });
    options[chosen].scrollIntoView({ block: "nearest" });
  }

  /** Puts it into the box; what it leaves open is asked for. */
  function use(prompt) {
    close();
    const names = variablesOf(prompt.text);
    const put = (text) => composer.fill(text, text.length);
    if (names.length === 0) return put(prompt.text);
    const fields = names.map((name, at) => createField(`value-${at}`, name, { autocomplete: "off", autocapitalize: "sentences" }, () => false));
    askWith(ctx, prompt.name, fields, { word: t("insert"), send: async (body) => {
      const values = Object.fromEntries(names.map((name, at) => [name, body[`value-${at}`]]));
      // When the dialog has given the focus back.
      setTimeout(() => put(filled(prompt.text, values)));
    } });
  }

  const press = (event) => {
    if (box.hidden || isComposing(event) || !field.value.startsWith("/")) return;
    if (event.key === "Escape") close();
    else if (found.length === 0) return;
    else if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen - 1);
    else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey) use(found[chosen]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const leave = () => close();
  // Before the box itself: Enter chooses here, and sends nothing.
  field.addEventListener("keydown", press, true);
  field.addEventListener("blur", leave);

  return {
    typed,
    close,
    destroy() {
      close();
      box.remove();
      field.removeEventListener("keydown", press, true);
      field.removeEventListener("blur", leave);
    },
  };
}
