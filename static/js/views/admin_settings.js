// Settings of the server that hold at once. What the configuration has fixed is shown as it is, and cannot be changed here.

import { button, el, icon, set } from "../lib/dom.js";
import { capField, tokensIn } from "./admin_person.js";
import { createForm } from "./form.js";

/** Its words are not in the table that is always read. */
export const needsMoreWords = true;

export function mountPart(holder, ctx) {
  const { t, api } = ctx;
  const form = createForm(ctx);
  let settings;

  /** Changes some of them; what people see of it here is read anew. */
  async function change(body) {
    settings = await api("/admin/settings", { method: "PATCH", body });
    ctx.knowUser();
    ctx.models.refresh().catch(() => {});
  }

  /** A row, or what stands fixed in its place. */
  function setting(name, word, help, shown, make) {
    if (!settings.locked.includes(name)) return form.row(word, help, ...make());
    return form.row(word, help, el("p.locked", null, icon("lock", "icon small"), el("bdi", null, shown)), el("p.help", null, t("isLocked")));
  }

  async function read() {
    settings = await api("/admin/settings");
    const part = { form, change, now: () => settings };
    const tokens = (n) => (n === 0 ? t("noCap") : t("tokens", { n }));
    const { registration: word, shared_key: key, models } = settings;
    holder.append(
      setting("registration", t("registration"), t("registrationHelp"), t(`registration_${word}`), () => registration(ctx, part)),
      setting("shared_key", t("sharedKey"), t("sharedKeyHelp"), key ?? t("noneYet"), () => sharedKey(ctx, part)),
      setting("shared_tokens_per_month", t("tokensMonth"), t("capHelp"), tokens(settings.shared_tokens_per_month), () => cap(ctx, part, "shared_tokens_per_month", "tokensMonth")),
      setting("shared_tokens_per_day", t("tokensDay"), t("zeroIsNone"), tokens(settings.shared_tokens_per_day), () => cap(ctx, part, "shared_tokens_per_day", "tokensDay")),
      setting("default_model", t("defaultModel"), t("defaultModelHelp"), settings.default_model, () => defaultModel(ctx, part)),
      setting("models", t("modelsOffered"), t("modelsHelp"), models.join(", ") || t("allModels"), () => text(ctx, part, { word: "modelsOffered", saveWord: "saveModels", value: models.join("\n"), body: (lines) => ({ models: lines.split("\n").map((line) => line.trim()).filter(Boolean) }) })),
      setting("announcement", t("announcement"), t("announcementHelp"), settings.announcement, () => text(ctx, part, { word: "announcement", saveWord: "saveAnnouncement", value: settings.announcement, most: 500, body: (announcement) => ({ announcement: announcement.replaceAll(/\s+/g, " ").trim() }) })),
    );
  }

  return { ready: read(), destroy: form.destroy };
}

function registration({ t }, { form, change, now }) {
  const saved = form.status();
  const open = el("div.notice.caution", null, icon("alert"), el("p", null, t("openWarning")));
  const choose = async (word) => {
    await form.save(() => change({ registration: word }), saved);
    look();
  };
  const choices = ["open", "invite", "closed"].map((word) => [word, t(`registration_${word}`)]);
  const control = form.segmented(t("registration"), choices, now().registration, choose);
  /** What holds, whether it was taken or not. */
  const look = () => {
    const { registration: held } = now();
    for (const input of control.querySelectorAll("input")) input.checked = input.value === held;
    set(open, { hidden: held !== "open" || ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname) });
  };
  look();
  return [control, saved, open];
}

function sharedKey(ctx, { form, change, now }) {
  const { t, api } = ctx;
  const saved = form.status();
  const mask = el("bdi.key-now");
  const field = el("input.input", { type: "password", "aria-label": t("newSharedKey"), placeholder: "sk-…", autocomplete: "off", spellcheck: "false", dir: "ltr" });
  const remove = button(t("removeKey"), async () => {
    await form.save(() => change({ shared_key: "" }), saved);
    look();
    field.focus();
  }, "danger apart");
  const line = el("div.row", null, mask, remove);
  const look = () => {
    const { shared_key: key } = now();
    mask.textContent = key ?? "";
    line.hidden = key === null;
  };
  /** It is tried first: a key that nobody can use would be everybody's fault. */
  const keep = async () => {
    const key = field.value;
    if (key.trim() === "") return field.focus();
    await form.save(async () => {
      const { code } = await api("/user/api-key/check", { method: "POST", body: { api_key: key } });
      if (code === "upstream_key_rejected") throw { code };
      await change({ shared_key: key });
      if (field.value === key) field.value = "";
    }, saved);
    look();
  };
  look();
  return [line, el("div.row", null, field, button(t("saveKey"), keep)), saved];
}

function cap(ctx, { form, change, now }, name, word) {
  const saved = form.status();
  const field = capField(ctx, name, ctx.t(word), now()[name], null);
  field.label.classList.add("sr");
  const keep = button(ctx.t("save"), () => field.check() && form.save(() => change({ [name]: tokensIn(field.input.value) ?? 0 }), saved), "", { "aria-label": ctx.t("saveCap", { cap: ctx.t(word) }) });
  return [el("div.row", null, field.element, keep), saved];
}

function defaultModel({ t, models }, { form, change, now }) {
  const saved = form.status();
  const ids = [...new Set([now().default_model, ...models.list.map(({ id }) => id)])];
  const choice = form.select(t("defaultModel"), ids.map((id) => [id, id]), now().default_model, async (id) => {
    await form.save(() => change({ default_model: id }), saved);
    choice.input.value = now().default_model;
  });
  return [choice.element, saved];
}

function text({ t }, { form, change }, { word, saveWord, value, most = null, body }) {
  const saved = form.status();
  const area = el("textarea.area", { "aria-label": t(word), rows: 3, dir: "auto", maxlength: most, spellcheck: most === null ? "false" : null });
  const keep = form.saver(area, value, (typed) => change(body(typed)), saved, t(saveWord));
  return [area, el("div.row", null, keep, saved)];
}
