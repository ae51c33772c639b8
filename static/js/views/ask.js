// A dialog that asks for something: a password, and what goes with it.

import { button, el, icon } from "../lib/dom.js";
import { openDialog } from "./dialog.js";
import { together } from "./field.js";
import { sentenceOf } from "./fault.js";

/** A dialog with fields whose faults stand beside them. */
export function askWith(ctx, title, all, { lead = [], word, send, isDanger = false, onClose = null }) {
  const { t } = ctx;
  const { fields, faulty } = together(all);
  const wrong = el("div", { role: "alert" });
  const submit = button(word, null, isDanger ? "danger" : "primary", { type: "submit", form: "ask" });
  const form = el("form.fields", { id: "ask", novalidate: true, submit: async (event) => {
    event.preventDefault();
    wrong.replaceChildren();
    const [first] = faulty();
    if (first) return first.input.focus();
    submit.disabled = true;
    try {
      await send(Object.fromEntries(fields.map((field) => [field.key, field.input.value])));
      dialog.close();
    } catch (fault) {
      const named = fields.filter((field) => fault.fields?.[field.key]);
      for (const field of named) field.say(t.said(fault.fields[field.key]));
      named[0]?.input.focus();
      if (named.length === 0 && fault.status !== 401) wrong.replaceChildren(el("div.notice.danger", null, icon("alert"), el("p", null, sentenceOf(fault, t))));
    } finally {
      submit.disabled = false;
    }
  } }, ...lead, wrong, ...fields.map((field) => field.element));
  const dialog = openDialog(ctx, title, { kind: "ask", body: [form], foot: [button(t("cancel"), () => dialog.close()), submit], onClose });
  fields[0].input.focus();
}
