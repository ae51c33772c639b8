// The parts of the settings that are choices: answers and appearance.

import { button, el } from "../lib/dom.js";
import { prefs } from "../models/kept.js";

export function choiceParts(ctx, form) {
  return { answers: answers(ctx, form), look: look(ctx, form) };
}

function answers(ctx, { row, save, saver, account, segmented, select, status, watch }) {
  const { t, session, models } = ctx;
  const { user } = session;

  const modelSaved = status();
  const model = select(t("defaultModel"), [], "", async (id) => {
    await save(() => account({ default_model: id === "" ? null : id }).then(() => models.refresh()), modelSaved);
    fill();
  });
  const fill = () => {
    const ids = models.list.map(({ id }) => id);
    const chosen = session.user?.default_model ?? "";
    if (chosen !== "" && !ids.includes(chosen)) ids.unshift(chosen);
    model.input.replaceChildren(el("option", { value: "" }, t("serversOwn")), ...ids.map((id) => el("option", { value: id }, id)));
    model.input.value = chosen;
  };
  fill();
  watch(models, "change", fill);

  const promptSaved = status();
  const prompt = el("textarea.area", { "aria-label": t("systemPrompt"), rows: 4, dir: "auto" });
  const savePrompt = saver(prompt, user.system_prompt ?? "", (text) => account({ system_prompt: text.trim() === "" ? null : text }), promptSaved, t("saveSystemPrompt"));

  const chooseSend = (value) => prefs.set("sendWith", value);
  const chooseKeys = (value) => prefs.set("singleKeys", value === "on");
  return [
    row(t("defaultModel"), t("forNewChats"), model.element, modelSaved),
    row(t("systemPrompt"), t("systemPromptHelp"), prompt, el("div.row", null, savePrompt, promptSaved)),
    row(t("prompts"), t("promptsShort"), button(t("managePrompts"), () => ctx.openSheet("prompts"))),
    row(t("sendWith"), null, segmented(t("sendWith"), [["enter", "Enter"], ["ctrl", "Ctrl Enter"]], prefs.get("sendWith"), chooseSend)),
    row(t("singleKeys"), t("singleKeysHelp"), segmented(t("singleKeys"), [["on", t("on")], ["off", t("off")]], prefs.get("singleKeys") ? "on" : "off", chooseKeys)),
  ];
}

function look(ctx, { row, save, account, segmented, select, status }) {
  const { t } = ctx;
  const pick = (name, none) => (value) => prefs.set(name, value === none ? null : value);
  const saved = status();
  const language = select(t("language"), [["en", "English", "en"], ["zh-CN", "简体中文", "zh-CN"]], t.locale, async (locale) => {
    prefs.set("language", locale);
    // The account keeps it for other devices; here it holds at once.
    if (await save(() => account({ locale }), saved)) ctx.restart();
    else setTimeout(() => ctx.restart(), 1500);
  });
  return [
    row(t("theme"), null, segmented(t("theme"), [["auto", t("automatic")], ["light", t("light")], ["dark", t("dark")]], prefs.get("theme") ?? "auto", pick("theme", "auto"))),
    row(t("language"), null, language.element, saved),
    row(t("readingFace"), null, segmented(t("readingFace"), [["sans", t("sans")], ["serif", t("serif")]], prefs.get("face") ?? "sans", pick("face", "sans"))),
    row(t("textSize"), null, segmented(t("textSize"), [["small", t("small")], ["medium", t("medium")], ["large", t("large")]], prefs.get("size") ?? "medium", pick("size", "medium"))),
  ];
}
