// What belongs to an answer: the reasoning before it, behind it how it ended, where that is more than "complete", and plain
// text that grows in both.

import { asPiece, el, icon, say } from "../lib/dom.js";
import { endOfPiece } from "../lib/text.js";
import { elements } from "../lib/trusted.js";
import { seconds } from "../lib/words.js";
import { fault, said } from "./fault.js";

export function createReasoning({ t, api }) {
  const sign = el("span.caret", { "aria-hidden": "true" });
  const label = el("span");
  const body = el("div", { dir: "auto" });
  const element = el("details.reasoning", { hidden: true }, el("summary", null, sign, label, icon("right", "icon small")), body);
  const tail = createTail();
  let [shown, thought, rendered, turn] = [null, null, false, null];

  const text = () => (thought ? t("thoughtFor", { n: thought }) : t("thoughts"));
  element.addEventListener("toggle", async () => {
    // What grew is plain text; who opens it afterwards gets it as it reads best.
    if (!element.open || rendered || turn?.status === "streaming" || turn?.reasoning === "") return;
    const whole = await api(`/chat/${turn.id}`, { query: { render: "html" } }).catch(() => null);
    if (whole?.reasoning_html !== undefined) render(whole.reasoning_html);
  });

  function render(html) {
    rendered = true;
    tail.clear();
    body.className = "prose";
    body.replaceChildren(...elements(html));
  }

  function update(now, live) {
    if (turn?.id !== now.id) [shown, rendered] = [null, false];
    turn = now;
    const reasoning = live?.answer.reasoning || now.reasoning;
    element.hidden = reasoning === "";
    if (reasoning === "") return;
    thought = live?.thought ?? thought;
    if (now.reasoning_html !== undefined && shown !== now.reasoning_html) {
      shown = now.reasoning_html;
      render(shown);
    } else if (!rendered) {
      tail.put({ parent: body, kind: "block" }, { tail: reasoning, tailCuts: live?.answer.tailCuts ?? 0 });
    }
    if (now.status === "streaming") tick(live);
    else {
      sign.hidden = true;
      say(label, text());
    }
  }

  function tick(live) {
    const isThinking = live?.thinking && live.answer.text === "";
    sign.hidden = !isThinking;
    say(label, isThinking ? t("thinking", { seconds: Math.max(0, seconds() - live.thinking) }) : text());
  }

  return { element, update, tick };
}

/** How an answer ended: an element, or null. */
export function endOf(turn, ctx, actions) {
  const { t } = ctx;
  const link = (word, action) => el("button.link-button", { type: "button", click: action }, word);
  const goOn = () => link(t("goOn"), () => actions.goOn(turn));
  const line = (words, way, isCaution) => el(`p.end${isCaution ? ".caution" : ""}`, null, words, way);
  switch (turn.status) {
    case "stopped":
      return line(t("stopped"), turn.response === "" ? link(t("retry"), () => actions.retry(turn)) : goOn());
    case "truncated":
      return line(t("truncated"), goOn(), true);
    case "interrupted":
      return line(broken(turn, t), link(t("retry"), () => actions.retry(turn)), true);
    case "failed":
      return fault({ code: turn.error_code, message: turn.error }, ctx, { retry: () => actions.retry(turn) });
  }
  if (turn.finish_reason === "length") return line(t("modelLimit"), goOn(), true);
  if (turn.finish_reason === "content_filter") return line(t("filtered"), null, true);
  if (turn.response === "" && turn.status === "complete") {
    return line(said({ code: turn.error_code, message: turn.error ?? t("emptyAnswer") }, t).sentence, link(t("retry"), () => actions.retry(turn)), true);
  }
  return null;
}

const broken = (turn, t) => (turn.error_code === "server_stopping" ? t("serverStopped") : t("interrupted"));

/** Text that grows at its end, in pieces. */
export function createTail() {
  let element = el("p.tail", { dir: "auto" });
  let [parent, kind, cuts, length] = [null, null, null, 0];
  let text = null;

  function piece() {
    text = document.createTextNode("");
    element.append(el("span", null, text));
  }

  function grow(added) {
    if (text === null) piece();
    let data = text.data + added;
    let end = endOfPiece(data);
    if (end === 0) return text.appendData(added);
    for (; end > 0; end = endOfPiece(data)) {
      text.data = data.slice(0, end);
      asPiece(text.parentElement, end, kind === "code" ? text.data.split("\n").length - 1 : undefined);
      data = data.slice(end);
      piece();
    }
    text.data = data;
  }

  const tail = {
    get element() {
      return element;
    },
    get isEmpty() {
      return length === 0;
    },
    /** Where the last character stands. */
    get end() {
      return text?.parentElement ?? element;
    },
    isIn: (other) => element.parentElement === other,
    put(place, answer) {
      if (place.parent !== parent || place.kind !== kind || answer.tailCuts !== cuts || answer.tail.length < length) {
        tail.clear();
        [parent, kind, cuts] = [place.parent, place.kind, answer.tailCuts];
        element = el(kind === "block" ? "p.tail" : "span.tail", kind === "block" && { dir: "auto" });
      }
      if (answer.tail.length === length) return;
      if (length === 0) parent.append(...kind === "line" ? [el("br.tail-break")] : [], element);
      grow(answer.tail.slice(length));
      length = answer.tail.length;
    },
    /** Leaves what it has put where it stands. */
    release() {
      element = el("span.tail");
      [parent, kind, cuts, length, text] = [null, null, null, 0, null];
    },
    clear() {
      if (kind === "line") parent.querySelector(".tail-break")?.remove();
      element.remove();
      element.replaceChildren();
      [parent, kind, cuts, length, text] = [null, null, null, 0, null];
    },
  };
  return tail;
}
