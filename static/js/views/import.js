// Conversations come from another service: a file is chosen or dropped, sent, read, and what became of it is said.

import { button, el, say } from "../lib/dom.js";
import { takeIn } from "../models/importing.js";
import { openDialog } from "./dialog.js";
import { fault as faultNotice } from "./fault.js";

/** Its words are not in the table that is always read. */
export const needsMoreWords = true;

/** Opens the dialog; `first` is a file that was dropped. */
export function open(ctx, first = null) {
  const { t } = ctx;
  const sending = new AbortController();
  const choice = el("input.sr", { type: "file", id: "import-file", "aria-label": t("exportFile"), accept: ".zip,.json,application/zip,application/json" });
  const choose = el("label.button.primary", { for: "import-file" }, t("chooseFile"));
  const close = button(t("close"), () => dialog.close());
  const content = el("div.fields");
  let isOpen = true;
  const dialog = openDialog(ctx, t("importTitle"), { kind: "import", body: [content], foot: [close, choice, choose], onClose: () => {
    isOpen = false;
    sending.abort();
  } });

  function begin() {
    content.replaceChildren(el("p", null, t("importFrom")), el("p.help", null, t("importHelp")));
    choose.hidden = choice.disabled = false;
  }

  async function take(file) {
    const words = el("p", { role: "status" });
    const bar = el("progress", { max: 1, value: 0, "aria-label": t("importProgress") });
    content.replaceChildren(el("p.file-name", { dir: "auto" }, file.name), bar, words);
    choose.hidden = choice.disabled = true;
    close.focus();
    const shown = (part, sentence) => {
      bar.value = part;
      say(words, sentence);
    };
    try {
      const report = await takeIn(ctx, file, {
        signal: sending.signal,
        sending: (part) => shown(part, part < 1 ? t("sendingFile", { percent: Math.round(part * 100) }) : t("fileSent")),
        reading: ({ progress, total }) => shown(progress / 100, t("readingFile", { n: total })),
      });
      ended(report);
    } catch (fault) {
      if (fault.name === "AbortError" || fault.status === 401) return;
      if (!isOpen) return ctx.fail(fault);
      content.replaceChildren(faultNotice(fault, ctx, { retry: () => take(file) }));
      choose.hidden = choice.disabled = false;
    }
  }

  function ended(report) {
    const sentence = report.status === "done" ? t("importDone", { n: report.imported + report.updated }) : t("importEnded");
    ctx.list.refresh().catch(() => {});
    if (!isOpen) return ctx.toast(sentence);
    const counts = ["imported", "updated", "skipped", "failed"].map((key) => el("div", null, el("dt", null, t(`import_${key}`)), el("dd", null, t.number(report[key]))));
    content.replaceChildren(el("p", { role: "status" }, sentence), el("dl.counts", null, ...counts), ...problems(t, report.problems));
    choose.hidden = choice.disabled = false;
    say(choose, t("anotherFile"));
    close.focus();
  }

  choice.addEventListener("change", () => {
    const [file] = choice.files;
    choice.value = "";
    if (file) take(file);
  });
  begin();
  if (first) take(first);
  else choice.focus();
}

/** What was left out, and why. */
function problems(t, all) {
  if (all.length === 0) return [];
  const lines = all.map(({ title, reason }) => el("li", null, title !== "" && el("b", { dir: "auto" }, title), el("span", { dir: "auto" }, t.said(reason))));
  return [el("h3.sub", { id: "import-problems" }, t("importProblems")), el("div.problems", { tabindex: 0, role: "group", "aria-labelledby": "import-problems" }, el("ul", null, ...lines))];
}
