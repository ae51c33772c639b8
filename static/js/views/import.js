// Conversations come from another service: a file is chosen or dropped, sent, read, and what became of it is said.

import { button, el, say } from "../lib/dom.js";
import { goOn, seen, takeIn, unseen } from "../models/importing.js";
import { openDialog } from "./dialog.js";
import { fault as faultNotice } from "./fault.js";

/** Its words are not in the table that is always read. */
export const needsMoreWords = true;

/** How often it was opened: only the last one watches an import. */
let opened = 0;

/** Opens the dialog; `first` is a file that was dropped. An import that nobody has seen the end of is gone on with. */
export function open(ctx, first = null) {
  const { t } = ctx;
  const mine = ++opened;
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

  function take(file) {
    const send = (how) => takeIn(ctx, file, { ...how, signal: sending.signal, sending: (part) => how.shown(part, part < 1 ? t("sendingFile", { percent: Math.round(part * 100) }) : t("fileSent")) });
    return watch(file.name, send, () => take(file));
  }

  function resume(id) {
    return watch(null, (how) => goOn(ctx, id, how), () => resume(id));
  }

  /** Shows how far `run` has come, and what came of it. */
  async function watch(title, run, again) {
    const words = el("p", { role: "status" });
    const bar = el("progress", { max: 1, value: 0, "aria-label": t("importProgress") });
    content.replaceChildren(...title === null ? [] : [el("p.file-name", { dir: "auto" }, title)], bar, words);
    choose.hidden = choice.disabled = true;
    close.focus();
    const shown = (part, sentence) => {
      bar.value = part;
      say(words, sentence);
    };
    try {
      ended(await run({ shown, isWanted: () => mine === opened, reading: ({ progress, total }) => shown(progress / 100, t("readingFile", { n: total })) }));
    } catch (fault) {
      if (fault.name === "AbortError" || fault.status === 401) return;
      // One that the server does not know any more is not asked for again.
      if (fault.status === 404) seen(ctx);
      if (!isOpen) return ctx.fail(fault);
      if (title === null && fault.status === 404) return begin();
      content.replaceChildren(faultNotice(fault, ctx, { retry: again }));
      choose.hidden = choice.disabled = false;
    }
  }

  function ended(report) {
    const sentence = report.status === "done" ? t("importDone", { n: report.imported + report.updated }) : t("importEnded");
    ctx.list.refresh().catch(() => {});
    if (!isOpen) return ctx.toast(sentence);
    seen(ctx);
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
  const waiting = unseen(ctx);
  if (first) take(first);
  else if (waiting !== null) resume(waiting);
  else choice.focus();
}

/** What was left out, and why. */
function problems(t, all) {
  if (all.length === 0) return [];
  const lines = all.map(({ title, reason }) => el("li", null, title !== "" && el("b", { dir: "auto" }, title), el("span", { dir: "auto" }, t.said(reason))));
  return [el("h3.sub", { id: "import-problems" }, t("importProblems")), el("div.problems", { tabindex: 0, role: "group", "aria-labelledby": "import-problems" }, el("ul", null, ...lines))];
}
