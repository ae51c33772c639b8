// The library of own prompts: made, changed, deleted.

import { button, el, icon, iconButton } from "../lib/dom.js";
import { Prompts } from "../models/prompts.js";
import { openDialog } from "./dialog.js";
import { sentenceOf } from "./fault.js";

/** Its words are not in the table that is always read. */
export const needsMoreWords = true;

export function open(ctx) {
  const { t } = ctx;
  const prompts = new Prompts(ctx);
  const content = el("div.fields");
  const fresh = button(t("newPrompt"), () => edit(null), "primary");
  /** Whether something was typed that is not kept. */
  let isChanged = () => false;
  const mayDrop = async () => !isChanged() || ctx.confirm({ title: t("dropChanges"), word: t("drop"), keep: t("goOnWriting") });
  const dialog = openDialog(ctx, t("prompts"), { kind: "prompts", body: [content], foot: [button(t("close"), () => dialog.close()), fresh], before: mayDrop });

  function show(focused = fresh) {
    isChanged = () => false;
    const rows = prompts.items.map((prompt) => el("li", null, el("span", null, el("b", { dir: "auto" }, prompt.name), el("small", { dir: "auto" }, prompt.text)),
      iconButton("edit", t("editPrompt", { name: prompt.name }), () => edit(prompt)), iconButton("trash", t("deletePrompt", { name: prompt.name }), () => remove(prompt))));
    content.replaceChildren(el("p.help", null, t("promptsHelp")), rows.length > 0 ? el("ul.shelf.own-prompts", null, ...rows) : el("p.muted", null, t("noPrompts")));
    dialog.foot.hidden = false;
    focused.focus();
  }

  async function remove(prompt) {
    if (!await ctx.confirm({ title: t("deletePromptSure"), sentence: prompt.name, word: t("delete"), isDanger: true })) return;
    await prompts.remove(prompt.id).catch(ctx.fail);
    show();
  }

  function edit(prompt) {
    const name = el("input.input", { id: "prompt-name", dir: "auto", maxlength: 60, autocomplete: "off" });
    const text = el("textarea.area", { id: "prompt-text", rows: 7, dir: "auto", "aria-describedby": "prompt-help" });
    const wrong = el("div", { role: "alert" });
    name.value = prompt?.name ?? "";
    text.value = prompt?.text ?? "";
    isChanged = () => name.value !== (prompt?.name ?? "") || text.value !== (prompt?.text ?? "");
    const submit = button(t("save"), null, "primary", { type: "submit" });
    const form = el("form.fields", { novalidate: true, submit: async (event) => {
      event.preventDefault();
      wrong.replaceChildren();
      submit.disabled = true;
      try {
        await prompts.save(prompt?.id ?? null, { name: name.value, text: text.value });
        show();
      } catch (fault) {
        submit.disabled = false;
        if (fault.status === 401) return;
        wrong.replaceChildren(el("div.notice.danger", null, icon("alert"), el("p", null, sentenceOf(fault, t))));
        (fault.fields?.text && !fault.fields.name ? text : name).focus();
      }
    } }, wrong, el("div.field", null, el("label", { for: "prompt-name" }, t("promptName")), name),
    el("div.field", null, el("label", { for: "prompt-text" }, t("promptText")), text, el("p.help", { id: "prompt-help" }, t("variablesHelp", { example: `{{${t("exampleWord")}}}` }))),
    el("div.row", null, button(t("cancel"), () => show()), submit));
    content.replaceChildren(form);
    dialog.foot.hidden = true;
    name.focus();
  }

  prompts.read().then(() => show()).catch((fault) => {
    dialog.close();
    ctx.fail(fault);
  });
}
