// Settings of one conversation: what the model is told first, and how freely it answers.

import { el, icon, say } from "../lib/dom.js";
import { openDialog } from "./dialog.js";

const EFFORTS = ["minimal", "low", "medium", "high"];
/** Text is saved when one has stopped typing for so long. */
const REST = 800;

export function openConversationSettings(ctx, model) {
  const { t } = ctx;
  const { system_prompt: prompt, params = {} } = model.info;
  let timer = null;
  let waiting = null;
  const saved = el("span.help", { role: "status" });

  /** Saves at once, or when one has stopped. */
  function change(body, wait = 0) {
    waiting = { ...waiting, ...body };
    clearTimeout(timer);
    timer = setTimeout(flush, wait);
  }
  async function flush() {
    clearTimeout(timer);
    if (waiting === null) return;
    const body = waiting;
    waiting = null;
    try {
      await model.change(body);
      say(saved, t("saved"));
    } catch (fault) {
      ctx.fail(fault);
    }
  }
  const param = (key, value, wait) => change({ params: { ...model.info.params, ...waiting?.params, [key]: value } }, wait);

  const system = el("textarea.area", { id: "system-prompt", rows: 4, dir: "auto", placeholder: t("systemPromptPlaceholder"), input: () => change({ system_prompt: system.value.trim() === "" ? null : system.value }, REST) });
  system.value = prompt ?? "";

  const body = [
    field("system-prompt", t("systemPrompt"), system, t("fromNextQuestion")),
    slider(t, { id: "temperature", word: t("temperature"), most: 2, value: params.temperature, help: "temperatureHelp", set: (value) => param("temperature", value, 200) }),
    el("details.reasoning.more-settings", { open: Boolean(params.top_p ?? params.max_tokens ?? params.reasoning_effort) }, el("summary", null, icon("right", "icon small"), t("moreSettings")),
      el("div.fields", null,
        slider(t, { id: "top-p", word: t("topP"), most: 1, value: params.top_p, help: "topPHelp", set: (value) => param("top_p", value, 200) }),
        longest(t, params.max_tokens, (value) => param("max_tokens", value, REST)),
        effort(t, params.reasoning_effort, (value) => param("reasoning_effort", value, 0)))),
    saved,
  ];
  openDialog(ctx, t("conversationSettings"), { kind: "sheet", body, onClose: flush });
  system.focus();
}

function field(id, word, input, help) {
  return el("div.field", null, el("label", { for: id }, word), input, help && el("p.help", { id: `${id}-help` }, help));
}

/** A number whose rest state is the model's own. */
function slider(t, { id, word, most, value, help, set }) {
  const input = el("input", { id, type: "range", min: 0, max: most, step: 0.1, "aria-describedby": `${id}-help` });
  input.value = value ?? 1;
  const words = el("span");
  const reset = el("button.link-button", { type: "button", click: () => show(null) }, t("modelsOwn"));
  const line = el("p.help", { id: `${id}-help` }, words, " ", reset);
  const describe = (number) => {
    say(words, number === null ? t("modelsOwnNow", { value: t.number(1) }) : `${t.number(number)}. ${t(help)}`);
    reset.hidden = number === null;
    input.setAttribute("aria-valuetext", number === null ? t("modelsOwn") : t.number(number));
  };
  const show = (number) => {
    if (number === null) input.value = 1;
    describe(number);
    set(number);
  };
  input.addEventListener("input", () => show(Number(input.value)));
  describe(value ?? null);
  return el("div.field", null, el("label", { for: id }, word), input, line);
}

function longest(t, value, set) {
  const input = el("input.input", { id: "max-tokens", type: "number", min: 1, max: 10_000_000, step: 1, inputmode: "numeric", placeholder: t("modelsOwn") });
  input.value = value ?? "";
  input.addEventListener("input", () => input.checkValidity() && set(input.value === "" ? null : Number(input.value)));
  return field("max-tokens", t("longestAnswer"), input, t("longestAnswerHelp"));
}

function effort(t, value, set) {
  const option = (word, key) => el("option", { value: key }, word);
  const select = el("select.select", { id: "effort", change: () => set(select.value === "" ? null : select.value) }, option(t("modelsOwn"), ""), ...EFFORTS.map((key) => option(t(`effort_${key}`), key)));
  if (value && !EFFORTS.includes(value)) select.append(option(value, value));
  select.value = value ?? "";
  return field("effort", t("effort"), el("div.select-wrap", null, select, icon("down", "icon small")), null);
}
