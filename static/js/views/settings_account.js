// The parts of the settings that concern the account: you, API key, security, your data.

import { button, el, icon, say } from "../lib/dom.js";
import { createField } from "./door.js";
import { openDialog } from "./dialog.js";
import { fillAvatar } from "./sidebar.js";
import { said } from "./turn_end.js";

export function accountParts(ctx, form) {
  return { you: you(ctx, form), keys: keys(ctx, form), security: security(ctx, form), data: data(ctx, form) };
}

function you(ctx, { row, save, account, status, watch }) {
  const { t, session } = ctx;
  const picture = el("span.avatar.big", { "aria-hidden": "true" });
  const file = el("input.sr", { type: "file", id: "avatar", "aria-label": t("avatar"), accept: "image/png,image/jpeg,image/webp,image/gif" });
  const choose = el("label.button", { for: "avatar" }, icon("image", "icon small"), t("choosePicture"));
  const pictureSaved = status();
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    file.value = "";
    if (!chosen) return;
    const { cropPicture } = await ctx.load("crop");
    const cut = await cropPicture(ctx, chosen);
    if (!cut) return file.focus();
    await save(async () => {
      const body = new FormData();
      body.append("avatar", cut, "avatar.png");
      await ctx.api("/user/avatar", { method: "POST", body });
      await ctx.knowUser();
      session.tell({ what: "user" });
    }, pictureSaved);
  });

  const nameSaved = status();
  const name = el("input.input", { "aria-label": t("name"), autocomplete: "name", dir: "auto", maxlength: 255, input: () => {
    saveName.disabled = name.value.trim() === "" || name.value === session.user.name;
  } });
  const saveName = button(t("save"), async () => {
    saveName.disabled = await save(() => account({ name: name.value.trim() }), nameSaved);
  }, "", { disabled: true, "aria-label": t("saveName") });
  name.addEventListener("keydown", (event) => event.key === "Enter" && !event.isComposing && event.keyCode !== 229 && saveName.click());
  name.value = session.user.name;
  const show = () => session.user && fillAvatar(picture, session.user);
  show();
  watch(session, "user", show);
  return [
    row(t("avatar"), t("avatarHelp"), el("div.row", null, picture, file, choose, pictureSaved)),
    row(t("name"), null, el("div.row", null, name, saveName), nameSaved),
    row(t("email"), null, el("p.muted", null, el("bdi", null, session.user.email))),
  ];
}

function keys(ctx, { row, watch }) {
  const { t, api, session } = ctx;
  const field = el("input.input", { type: "password", "aria-label": t("apiKey"), placeholder: "sk-…", autocomplete: "off", spellcheck: "false", dir: "ltr" });
  const result = el("div.key-result", { role: "status" });
  const now = el("div.row", { hidden: true });
  const shared = el("p.muted");
  const notice = (kind, sign, sentence, why = "", extra = []) => result.replaceChildren(el(`div.notice.${kind}`, null, icon(sign), el("p", null, sentence, why && el("span.why", { dir: "auto" }, why)), ...extra));

  async function keep(key) {
    await api("/user/api-key", { method: "POST", body: { api_key: key } });
    field.value = "";
    await known();
  }
  async function known() {
    await ctx.knowUser();
    session.tell({ what: "user" });
    ctx.models.refresh().catch(() => {});
  }
  /** It is tried before it is kept; one that cannot be tried now may be kept all the same. */
  async function save() {
    const key = field.value;
    if (key.trim() === "") return field.focus();
    saveKey.disabled = true;
    say(result, t("checkingKey"));
    try {
      const { ok, code, error } = await api("/user/api-key/check", { method: "POST", body: { api_key: key } });
      if (ok) {
        await keep(key);
        notice("ok", "check", t("keySaved"));
      } else if (code === "upstream_key_rejected") {
        notice("danger", "alert", t("fault_upstream_key_rejected"), error);
        field.focus();
      } else {
        const anyway = button(t("saveAnyway"), () => keep(key).then(() => notice("ok", "check", t("keyKept"))).catch(refused));
        notice("caution", "alert", t("keyUnchecked"), error, [anyway]);
      }
    } catch (fault) {
      refused(fault);
    } finally {
      saveKey.disabled = false;
    }
  }
  const refused = (fault) => {
    const { sentence } = said({ code: fault.code, message: fault.fields?.api_key ?? fault.message }, t);
    if (fault.status !== 401) notice("danger", "alert", fault.fields?.api_key ?? sentence);
  };
  const saveKey = button(t("saveKey"), save, "primary");
  field.addEventListener("keydown", (event) => event.key === "Enter" && save());

  const remove = button(t("removeKey"), async () => {
    try {
      await api("/user/api-key", { method: "DELETE" });
      await known();
      notice("ok", "check", t("keyRemoved"));
      field.focus();
    } catch (fault) {
      refused(fault);
    }
  }, "danger apart");
  const check = el("button.link-button", { type: "button", click: async () => {
    say(result, t("checkingKey"));
    try {
      const { ok, error } = await api("/user/api-key/check", { method: "POST", body: {} });
      if (ok) notice("ok", "check", t("keyWorks"));
      else notice("danger", "alert", t("keyFails"), error);
    } catch (fault) {
      refused(fault);
    }
  } }, t("checkIt"));

  function show() {
    const { user } = session;
    if (!user) return;
    now.hidden = !user.has_api_key;
    now.replaceChildren(el("bdi.key-now", null, user.api_key ?? ""), check, remove);
    const { paid_by: payer, month, day } = user.caps;
    const cap = month ?? day;
    const used = cap && t(month ? "sharedUsedMonth" : "sharedUsedDay", { used: cap.used, limit: cap.limit });
    say(shared, payer === null ? t("sharedNone") : payer === "shared" ? [t("sharedUsed"), used].filter(Boolean).join(" ") : t("sharedUnused"));
  }
  show();
  watch(session, "user", show);
  return [
    row(t("yourKey"), t("keyHelp"), now, el("div.row", null, field, saveKey), result),
    row(t("sharedKey"), null, shared),
  ];
}

function security(ctx, { row }) {
  const { t, api, session } = ctx;
  const change = button(t("changePassword"), () => {
    const least = Number(document.documentElement.dataset.passwordMin);
    const fields = [
      createField("current_password", t("currentPassword"), { type: "password", autocomplete: "current-password" }, (value) => value === "" && t("passwordNeeded")),
      createField("password", t("newPassword"), { type: "password", autocomplete: "new-password" }, (value) => [...value].length < least && t("passwordShort", { n: least }), { t, help: t("passwordHelp", { n: least }) }),
      createField("password_confirmation", t("confirmPassword"), { type: "password", autocomplete: "new-password" }, (value, all) => value !== all[1].input.value && t("passwordsDiffer")),
    ];
    askWith(ctx, t("changePassword"), fields, { word: t("changePassword"), send: async (body) => {
      const { token } = await api("/user/password", { method: "POST", body });
      session.renew(token);
      ctx.toast(t("passwordChanged"));
    } });
  });
  const everywhere = button(t("signOutEverywhere"), async () => {
    const isSure = await ctx.confirm({ title: t("signOutEverywhereSure"), sentence: t("signOutEverywhereWhat"), word: t("signOut") });
    if (isSure) await api("/logout-all", { method: "POST" }).then(() => session.leave()).catch(ctx.fail);
  });
  return [row(t("password"), t("endsOthers"), change), row(t("logins"), t("loginsHelp"), everywhere)];
}

function data(ctx, { row }) {
  const { t, api, session } = ctx;
  const remove = button(t("deleteAccount"), () => {
    const fields = [createField("password", t("currentPassword"), { type: "password", autocomplete: "current-password" }, (value) => value === "" && t("passwordNeeded"), { t })];
    const lost = el("ul.losses", null, ...["lossConversations", "lossKey", "lossFigures", "lossPicture"].map((key) => el("li", null, t(key))));
    askWith(ctx, t("deleteAccount"), fields, { lead: [el("p", null, t("deleteWhat")), lost], word: t("deleteForGood"), isDanger: true, send: async (body) => {
      await api("/user", { method: "DELETE", body });
      session.leave();
    } });
  }, "danger");
  return [row(t("deleteAccount"), t("deleteHelp"), remove)];
}

/** A dialog with fields whose faults stand beside them. */
function askWith(ctx, title, fields, { lead = [], word, send, isDanger = false }) {
  const { t } = ctx;
  const wrong = el("div", { role: "alert" });
  const submit = button(word, null, isDanger ? "danger" : "primary", { type: "submit", form: "ask" });
  const form = el("form.fields", { id: "ask", novalidate: true, submit: async (event) => {
    event.preventDefault();
    wrong.replaceChildren();
    const faulty = fields.filter((field) => !field.check(fields));
    if (faulty.length > 0) return faulty[0].input.focus();
    submit.disabled = true;
    try {
      await send(Object.fromEntries(fields.map((field) => [field.key, field.input.value])));
      dialog.close();
    } catch (fault) {
      const named = fields.filter((field) => fault.fields?.[field.key]);
      for (const field of named) field.say(fault.fields[field.key] === "The password is not right." ? t("passwordWrong") : fault.fields[field.key]);
      named[0]?.input.focus();
      if (named.length === 0 && fault.status !== 401) wrong.replaceChildren(el("div.notice.danger", null, icon("alert"), el("p", null, said({ code: fault.code, message: fault.message }, t).sentence)));
    } finally {
      submit.disabled = false;
    }
  } }, ...lead, wrong, ...fields.map((field) => field.element));
  const dialog = openDialog(ctx, title, { kind: "ask", body: [form], foot: [button(t("cancel"), () => dialog.close()), submit] });
  fields[0].input.focus();
}
