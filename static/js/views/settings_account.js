// The parts of the settings that concern the account: you, security, your data.

import { button, el, icon } from "../lib/dom.js";
import { askWith } from "./ask.js";
import { createField } from "./field.js";
import { keyPart } from "./settings_key.js";
import { fillAvatar } from "./sidebar.js";

export function accountParts(ctx, form) {
  return { you: you(ctx, form), keys: keyPart(ctx, form), security: security(ctx, form), data: data(ctx, form) };
}

function you(ctx, { row, save, saver, account, status, watch }) {
  const { t, session } = ctx;
  const picture = el("span.avatar.big", { "aria-hidden": "true" });
  const file = el("input.sr", { type: "file", id: "avatar", "aria-label": t("avatar"), accept: "image/png,image/jpeg,image/webp,image/gif" });
  const choose = el("label.button", { for: "avatar" }, icon("image", "icon small"), t("choosePicture"));
  const pictureSaved = status();
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    file.value = "";
    if (!chosen) return;
    const cut = await ctx.using("crop", ({ cropPicture }) => cropPicture(ctx, chosen));
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
  const name = el("input.input", { "aria-label": t("name"), autocomplete: "name", dir: "auto", maxlength: 255 });
  const saveName = saver(name, session.user.name, (text) => account({ name: text.trim() }), nameSaved, t("saveName"), (text) => text.trim() !== "");
  name.addEventListener("keydown", (event) => event.key === "Enter" && !event.isComposing && event.keyCode !== 229 && saveName.click());
  const show = () => session.user && fillAvatar(picture, session.user);
  show();
  watch(session, "user", show);
  return [
    row(t("avatar"), t("avatarHelp"), el("div.row", null, picture, file, choose, pictureSaved)),
    row(t("name"), null, el("div.row", null, name, saveName), nameSaved),
    row(t("email"), null, el("p.muted", null, el("bdi", null, session.user.email))),
  ];
}

function security(ctx, { row, watch }) {
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
  const state = el("span.tag");
  const factor = button("", () => ctx.using("two_factor", (part) => (session.user.totp ? part.turnOff(ctx) : part.turnOn(ctx))));
  const look = () => {
    const isOn = session.user?.totp === true;
    state.className = `tag ${isOn ? "ok" : "off"}`;
    state.textContent = t(isOn ? "on" : "off");
    factor.textContent = t(isOn ? "turnOff" : "setUp");
    factor.setAttribute("aria-label", t(isOn ? "turnOffTwoFactor" : "setUpTwoFactor"));
  };
  look();
  watch(session, "user", look);
  return [
    row(t("password"), t("endsOthers"), change),
    row(t("twoFactor"), t("twoFactorHelp"), el("div.row", null, factor, state)),
    row(t("logins"), t("loginsHelp"), everywhere),
  ];
}

function data(ctx, { row }) {
  const { t, api, session } = ctx;
  const bring = button(t("importButton"), () => ctx.openSheet("import"));
  const takes = [["Markdown", "markdown"], ["JSON", "json"], ["Open WebUI", "openwebui"]].map(([word, format]) => {
    const take = button(word, async () => {
      take.disabled = true;
      await ctx.download("/export", { format });
      take.disabled = false;
    }, "", { "aria-label": t("exportAs", { format: word }) });
    return take;
  });
  const remove = button(t("deleteAccount"), () => {
    const fields = [createField("password", t("currentPassword"), { type: "password", autocomplete: "current-password" }, (value) => value === "" && t("passwordNeeded"), { t })];
    const lost = el("ul.losses", null, ...["lossConversations", "lossKey", "lossFigures", "lossPicture"].map((key) => el("li", null, t(key))));
    askWith(ctx, t("deleteAccount"), fields, { lead: [el("p", null, t("deleteWhat")), lost], word: t("deleteForGood"), isDanger: true, send: async (body) => {
      await api("/user", { method: "DELETE", body });
      session.leave();
    } });
  }, "danger");
  return [
    row(t("importTitle"), t("importShort"), bring),
    row(t("exportTitle"), t("exportHelp"), el("div.row", null, ...takes)),
    row(t("deleteAccount"), t("deleteHelp"), remove),
  ];
}
