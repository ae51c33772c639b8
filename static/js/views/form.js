// What the rooms with settings share: rows, choices, and saying that something was saved or why not.

import { button, el, icon, say } from "../lib/dom.js";
import { sentenceOf } from "./fault.js";

/** What the parts of a form share. */
export function createForm(ctx) {
  const { t, api, session } = ctx;
  const after = [];
  /** What takes "Saved" away again, by the place where it stands. */
  const timers = new Map();
  const status = () => el("span.saved", { role: "status" });

  /** A row: a label, a line of help, the control. */
  function row(word, help, ...content) {
    return el("div.setting", null, el("div", null, el("p.label", null, word), help && el("p.help", null, help)), el("div.stack", null, ...content));
  }

  /** Saves; says so beside the control, or why not. Gives whether it was saved. */
  async function save(change, said) {
    said.classList.remove("danger");
    try {
      await change();
      clearTimeout(timers.get(said));
      say(said, t("saved"));
      timers.set(said, setTimeout(() => say(said, ""), 3000));
      return true;
    } catch (fault) {
      if (fault.status === 401) return false;
      clearTimeout(timers.get(said));
      said.classList.add("danger");
      say(said, sentenceOf(fault, t));
      return false;
    }
  }

  /**
   * A button that saves what a field holds, by `change(text)`: of use while that is another text than the one saved last,
   * also where one has typed on while it was saved.
   */
  function saver(field, kept, change, said, word, isFit = () => true) {
    const look = () => {
      control.disabled = field.value === kept || !isFit(field.value);
    };
    const control = button(t("save"), async () => {
      const sent = field.value;
      if (await save(() => change(sent), said)) kept = sent;
      look();
    }, "", { disabled: true, "aria-label": word });
    field.value = kept;
    field.addEventListener("input", look);
    return control;
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

  return { row, save, saver, account, segmented, select, status, watch, destroy: () => after.forEach((each) => each()) };
}
