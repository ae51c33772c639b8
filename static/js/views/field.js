// A field of a form, with its label, help and fault.

import { el, icon, iconButton, name, say, set } from "../lib/dom.js";

const LATER = 250;

/**
 * A field with its label above, and help and fault below. It is checked when it is left, never while one types: `fault`
 * gets its value and its siblings, and gives a sentence or nothing.
 */
export function createField(key, word, properties, fault, { t = null, help = null } = {}) {
  const id = `field-${key}`;
  const input = el("input.input", { id, name: key, dir: "auto", autocapitalize: "none", ...properties });
  const label = el("label", { for: id }, word);
  const below = el("p.help", { id: `${id}-help` }, help ?? "");
  const wrong = el("p.fault", { id: `${id}-fault`, hidden: true }, icon("alert", "icon small"), el("span"));
  const box = t ? el("div.with-button", null, input, revealer(input, t)) : input;
  const element = el("div.field", null, label, box, help !== null && below, wrong);
  let told = 0;
  const field = {
    siblings: [], key, element, input, label, help: below,
    say(sentence) {
      told += 1;
      say(wrong.lastChild, sentence || "");
      wrong.hidden = !sentence;
      set(input, { "aria-invalid": sentence ? "true" : null, "aria-describedby": [help !== null && below.id, sentence && wrong.id].filter(Boolean).join(" ") || null });
    },
    check() {
      const sentence = !element.hidden && fault(input.value, field.siblings);
      field.say(sentence);
      return !sentence;
    },
  };
  // A little later: a fault that appears while one presses a button would move it away from under the finger.
  // What the server has said meanwhile stands.
  input.addEventListener("change", () => {
    const before = told;
    setTimeout(() => told === before && input.value !== "" && field.check(), LATER);
  });
  input.addEventListener("input", () => wrong.hidden || field.say(""));
  field.say("");
  return field;
}

/** A field for a code of two-factor login. Recovery codes have letters too: no pad of digits alone. */
export const codeField = (t, help) => createField("code", t("code"), { autocomplete: "one-time-code", spellcheck: "false", dir: "ltr" }, (value) => value.trim() === "" && t("codeNeeded"), { help });

/** Shows the password as it is. Its name is not "Show password": labels must stay unique. */
function revealer(input, t) {
  const control = iconButton("eye", t("reveal"), () => {
    const isHidden = input.type === "password";
    input.type = isHidden ? "text" : "password";
    name(control, t(isHidden ? "conceal" : "reveal"));
  });
  return control;
}

/** Fields of one form: they know each other, and are checked together. Gives the faulty ones. */
export function together(fields) {
  for (const field of fields) field.siblings = fields;
  return { fields, faulty: () => fields.filter((field) => !field.check()) };
}
