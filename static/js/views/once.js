// Something that is shown only once: a link, a password, codes.

import { button, copyText, el, saveAs } from "../lib/dom.js";
import { openDialog } from "./dialog.js";

/** Shows it until the person closes it. With `file` it can be kept as one. */
export function showOnce(ctx, title, { sentence, text, word, file = null }) {
  const { t } = ctx;
  const shown = el("pre.kept-text", { tabindex: 0, role: "group", "aria-label": title }, text);
  const copy = button(word, async () => {
    if (await copyText(text)) copy.replaceChildren(t("copied"));
    setTimeout(() => copy.replaceChildren(word), 2000);
  }, "primary");
  const keep = file && button(t("saveAsFile"), () => saveAs(new Blob([`${text}\n`], { type: "text/plain" }), file));
  const dialog = openDialog(ctx, title, { kind: "once", body: [el("p", null, sentence), shown], foot: [button(t("close"), () => dialog.close()), keep, copy].filter(Boolean) });
  copy.focus();
  return dialog;
}
