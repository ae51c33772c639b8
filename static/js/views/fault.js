// Faults in words: what happened, what helps, and when it may be tried again.

import { button, el, icon } from "../lib/dom.js";
import { seconds } from "../lib/words.js";

/** What helps against a fault of the model service. The rest is simply tried again. */
const WAYS_OUT = {
  upstream_key_rejected: "key", upstream_quota: "key", api_key_missing: "key", cap_reached: "own", model_not_found: "model", model_not_allowed: "model",
  upstream_refused: "model", model_rejected_input: "model",
};

/** The sentence for a fault, and the small line below it. */
export function said({ code, message, requestId, retryAfter }, t) {
  const own = `fault_${code}`;
  // The server says the time in its own zone; here it is the reader's.
  const isCap = code === "cap_reached" && retryAfter;
  if (isCap) return { sentence: t("capUntil", { date: t.clock.whole(retryAfter) }), why: "" };
  const isLimit = code === "rate_limited" && retryAfter > seconds();
  const sentence = isLimit ? t("limited", { seconds: retryAfter - seconds() }) : t.has(own) ? t(own) : t.said(message || t("fault_internal"));
  const why = [sentence === message ? null : t.said(message ?? ""), code, requestId && t("request", { id: requestId })].filter(Boolean).join(", ");
  return { sentence, why };
}

/** What is said of a field goes before the rest; what is no fault of a call is one of ours. */
const told = ({ code, message, fields, requestId, retryAfter }) => ({ code: code ?? "internal", message: Object.values(fields ?? {})[0] ?? message, requestId, retryAfter });

/** The sentence for what a call threw. */
export const sentenceOf = (fault, t) => said(told(fault), t).sentence;

/** A notice for a fault. `retryAfter` is the time from which on it may be tried again. */
export function fault({ code, message, requestId, retryAfter }, ctx, { retry, dismiss }) {
  const { t } = ctx;
  const { sentence, why } = said({ code, message, requestId, retryAfter }, t);
  const words = el("span", null, sentence);
  const again = retry && button(t("retry"), retry);
  const way = { key: () => button(t("checkKey"), () => ctx.go("/settings#keys")), own: () => button(t("useOwnKey"), () => ctx.go("/settings#keys")), model: () => button(t("chooseModel"), () => ctx.chooseModel()) }[WAYS_OUT[code]];
  const isWait = retryAfter > seconds();
  const notice = el(`div.notice.${isWait ? "caution" : "danger"}`, null, icon("alert"), el("p", null, words, el("span.why", { dir: "auto" }, why)), way?.(), again);
  if (dismiss) notice.append(el("button.icon-button", { type: "button", "aria-label": t("close"), title: t("close"), click: dismiss }, icon("close", "icon small")));
  if (isWait) count(words, again, retryAfter, code === "cap_reached" ? sentence : null, t);
  return notice;
}

/** Says beside the box why a message was not taken, which is in it again. */
export function refused(why, ctx, composer, retry) {
  const about = told(why);
  const clear = () => composer.notice.replaceChildren();
  const again = retry && (() => {
    clear();
    retry();
  });
  const dismiss = () => {
    clear();
    composer.focus();
  };
  composer.notice.replaceChildren(fault(about, ctx, { retry: again, dismiss }));
  ctx.alert(said(about, ctx.t).sentence);
}

/** Counts the seconds down; then it may be tried again. */
function count(words, again, until, sentence, t) {
  const left = until - seconds();
  if (again) again.disabled = left > 0;
  if (left <= 0) {
    words.textContent = t("limitOver");
    return;
  }
  words.textContent = sentence ?? t("limited", { seconds: left });
  setTimeout(() => words.isConnected && count(words, again, until, sentence, t), 1000);
}
