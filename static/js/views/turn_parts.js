// What stands around an answer: the reasoning before it, and behind it how it ended, where that is more than "complete".

import { el, icon, say } from "../lib/dom.js";
import { elements } from "../lib/trusted.js";
import { seconds } from "../lib/words.js";
import { createTail } from "./answer.js";
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
