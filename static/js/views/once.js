// Something that is shown only once: a link, a password, codes.

import { button, copyText, el, saveAs } from "../lib/dom.js";
import { openDialog } from "./dialog.js";

/** Shows it until the person has it, or says that she needs it not. With `file` it can be kept as one. */
export function showOnce(ctx, title, { sentence, text, word, file = null }) {
  const { t } = ctx;
  const shown = el("pre.kept-text", { tabindex: 0, role: "group", "aria-label": title }, text);
  let isKept = false;
  const copy = button(word, async () => {
    const isCopied = await copyText(text);
    if (isCopied) copy.replaceChildren(t("copied"));
    isKept ||= isCopied;
    setTimeout(() => copy.replaceChildren(word), 2000);
  }, "primary");
  const keep = file && button(t("saveAsFile"), () => {
    saveAs(new Blob([`${text}\n`], { type: "text/plain" }), file);
    isKept = true;
  });
  const before = () => isKept || ctx.confirm({ title: t("onceSure"), sentence: t("onceWhat"), word: t("close") });
  const dialog = openDialog(ctx, title, { kind: "once", before, isFirm: true, body: [el("p", null, sentence), shown], foot: [button(t("close"), () => dialog.close()), keep, copy].filter(Boolean) });
  copy.focus();
  return dialog;
}
