// A turn: the question in your ink, the reasoning, the answer in print, and the tools below.

import { button, el, iconButton, isComposing, name, say, set, setSign } from "../lib/dom.js";
import { direction, headOf, isLong, language } from "../lib/text.js";
import { seconds } from "../lib/words.js";
import { mountAnswer } from "./answer.js";
import { createReasoning, endOf } from "./turn_parts.js";

/** Only after that many seconds it is said that one waits. */
const PATIENCE = 2;
const QUEUE = 20;

/** `actions` are what the tools do: `copy, retry, edit, remove, select, goOn`. */
export function createTurn(ctx, actions) {
  const { t } = ctx;
  const title = el("h2.sr");
  const files = el("div.files", { hidden: true });
  const question = el("div.question", { dir: "auto" });
  const dropped = el("p.dropped", { hidden: true });
  const waiting = el("p.waiting", { hidden: true }, el("span.caret", { "aria-hidden": "true" }), el("span"));
  const reasoning = createReasoning(ctx);
  const prose = el("div.answer.prose");
  const end = el("div.turn-end", { hidden: true });
  const foot = createFoot(ctx, actions, () => turn);
  const element = el("article.turn", null, title, files, question, dropped, reasoning.element, prose, waiting, end, foot.element);
  const answer = mountAnswer(prose, ctx);
  let [turn, seen, live] = [null, "", null];

  /** Shows the turn. `place` is `{number, versions, live, isLast}`. */
  function update(now, place) {
    const signature = JSON.stringify([place.number, place.versions, place.isLast, Boolean(place.live), t.locale]);
    if (turn === now && seen === signature) return;
    const [was, wasLive] = [turn, live];
    const isOther = was?.id !== now.id;
    [turn, seen, live] = [now, signature, turn?.status === "streaming" || now.status === "streaming" ? place.live : null];
    if (isOther || was?.prompt !== now.prompt) head();
    if (idsOf(was) !== idsOf(now)) attach();
    say(title, t("turnTitle", { number: place.number, words: headOf(turn) }));
    const isRunning = turn.status === "streaming";
    set(prose, { "aria-busy": isRunning });
    if (isRunning) grow();
    else if (wasLive?.answer.text === turn.response && !isOther) finish(wasLive);
    else if (was?.response !== turn.response || was?.response_html !== turn.response_html || isOther) answer.show(turn);
    reasoning.update(turn, live ?? wasLive);
    say(dropped, live?.dropped ? t("droppedTurns", { n: live.dropped }) : "");
    dropped.hidden = dropped.textContent === "";
    const last = isRunning ? null : endOf(turn, ctx, actions);
    end.replaceChildren(...last ? [last] : []);
    end.hidden = !last;
    foot.update(turn, place, isRunning);
    tick();
  }

  function head() {
    element.id = `turn-${turn.id}`;
    title.id = `title-${turn.id}`;
    set(element, { "aria-labelledby": title.id, dir: direction(turn.prompt) });
    set(question, { lang: language(turn.prompt) });
    question.classList.toggle("long", isLong(turn.prompt));
    say(question, turn.prompt);
  }

  /** Files that came with the question. */
  function attach() {
    const { attachments = [] } = turn;
    files.hidden = attachments.length === 0;
    if (files.hidden) files.replaceChildren();
    else ctx.using("attached", ({ createAttached }) => files.replaceChildren(...createAttached(ctx, attachments)));
  }

  /** The answer ended while it was watched. A selection in it keeps the page from changing for a while. */
  function finish(was) {
    const done = answer.end(was.answer);
    if (done?.settled.length > 0) ctx.speak(done.settled.join("\n"));
    if (done === null) document.addEventListener("selectionchange", () => finish(was), { once: true });
    else if (!done.isWhole) requestAnimationFrame(() => finish(was));
  }

  /** Shows what came. False when there is more to show than one frame has time for. */
  function grow() {
    if (!live) return true;
    reasoning.update(turn, live);
    const done = live.answer.text === "" ? null : answer.grow(live.answer);
    if (done?.settled.length > 0) ctx.speak(done.settled.join("\n"));
    tick();
    return done?.isWhole !== false;
  }

  /** What changes by the second. */
  function tick() {
    const isRunning = turn.status === "streaming";
    const isSilent = isRunning && (!live || live.answer.text === "" && live.answer.reasoning === "");
    const waited = seconds() - turn.created;
    waiting.hidden = !isSilent;
    const isOff = !ctx.line.isUp && !Number.isInteger(turn.id);
    const words = isOff ? t("waitingForLine") : waited < PATIENCE ? "" : waited < QUEUE ? t("waiting", { model: turn.model, seconds: waited }) : t("queueing");
    say(waiting.lastChild, isSilent ? words : "");
    if (isRunning) reasoning.tick(live);
  }

  return { element, update, grow, tick, question, prose, get turn() { return turn; } };
}

const idsOf = (turn) => turn?.attachments?.map((file) => file.id).join() ?? "";

/** Versions, tools and figures. */
function createFoot({ t }, actions, turn) {
  const count = el("span");
  const before = iconButton("left", t("previousVersion"), () => actions.select(turn(), -1));
  const next = iconButton("right", t("nextVersion"), () => actions.select(turn(), 1));
  const versions = el("span.versions", { hidden: true }, before, count, next);
  const copy = iconButton("copy", t("copy"), () => actions.copy(turn(), copy));
  const retry = iconButton("retry", t("retry"), () => actions.retry(turn()));
  const edit = iconButton("edit", t("edit"), () => actions.edit(turn()), { class: "icon-button edit" });
  const remove = iconButton("trash", t("delete"), () => actions.remove(turn()));
  const about = el("span.about");
  const element = el("footer.tools", null, versions, copy, retry, edit, remove, about);

  function update(now, { versions: all }, isRunning) {
    const at = all.indexOf(now.id);
    versions.hidden = all.length < 2 || at < 0;
    say(count, `${t.number(at + 1)} / ${t.number(all.length)}`);
    before.disabled = at <= 0;
    next.disabled = at >= all.length - 1;
    for (const tool of [copy, retry, edit, remove]) tool.hidden = isRunning;
    copy.hidden ||= now.response === "";
    const { usage = {} } = now;
    const total = now.tokens ?? usage.total_tokens ?? 0;
    const tokens = total > 0 ? t(usage.source === "estimated" ? "tokensEstimated" : "tokens", { n: total }) : null;
    say(about, isRunning ? "" : [now.model, tokens, tokens && now.paid_by && t(now.paid_by === "own" ? "paidOwn" : "paidShared"), t.clock.time(now.created)].filter(Boolean).join(" · "));
    set(about, { title: isRunning ? null : t.clock.whole(now.created) });
  }

  return { element, update };
}

/** Says for two seconds that it was copied. */
export function flash(control, done, usual) {
  name(control, done);
  setSign(control, "check");
  setTimeout(() => {
    name(control, usual);
    setSign(control, "copy");
  }, 2000);
}

/** The question as a field, in its place. Ctrl Enter sends, Esc leaves. */
export function createEdit({ t }, turn, { text, versions, send, cancel }) {
  const submit = (event) => {
    event.preventDefault();
    if (field.value.trim() !== "" || turn.attachments?.length > 0) send(field.value);
  };
  const leave = () => cancel(field.value !== turn.prompt);
  const press = (event) => {
    if (isComposing(event)) return;
    if (event.key === "Escape") leave();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const field = el("textarea.area", { "aria-label": t("editQuestion"), dir: "auto", rows: 2, keydown: press });
  field.value = text;
  const grow = () => {
    field.style.blockSize = "auto";
    field.style.blockSize = `${field.scrollHeight + 2}px`;
  };
  field.addEventListener("input", grow);
  const row = el("div.row", null, el("p", null, t("oldVersionStays", { number: versions, all: versions + 1 })), button(t("cancel"), leave), button(t("send"), null, "primary", { type: "submit" }));
  const form = el("form.edit-question", { submit }, field, row);
  return { form, field, grow };
}
