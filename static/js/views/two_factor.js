// Two-factor login: set up with a picture for a phone, a first code, and recovery codes; and switched off again.

import { button, copyText, el, icon } from "../lib/dom.js";
import { askWith } from "./ask.js";
import { openDialog } from "./dialog.js";
import { codeField, createField } from "./field.js";
import { sentenceOf } from "./fault.js";
import { showOnce } from "./once.js";

/** Its words are not in the table that is always read. */
export const needsMoreWords = true;

const passwordField = ({ t }) => createField("password", t("currentPassword"), { type: "password", autocomplete: "current-password" }, (value) => value === "" && t("passwordNeeded"), { t });

/** Asks for the password, then shows what the phone needs. */
export function turnOn(ctx) {
  const { t, api } = ctx;
  askWith(ctx, t("twoFactor"), [passwordField(ctx)], { lead: [el("p", null, t("twoFactorWhat"))], word: t("goAhead"), send: async (body) => {
    const setup = await api("/user/totp", { method: "POST", body });
    // Behind the dialog that closes now.
    setTimeout(() => showSetup(ctx, setup));
  } });
}

function showSetup(ctx, { secret, qr }) {
  const { t, api } = ctx;
  const picture = el("img.qr", { src: `data:image/svg+xml,${encodeURIComponent(qr)}`, alt: t("qrAlt"), width: 208, height: 208 });
  const key = secret.match(/.{1,4}/g).join(" ");
  const copy = el("button.link-button", { type: "button", click: async () => {
    if (await copyText(secret)) copy.replaceChildren(t("copied"));
  } }, t("copyKey"));
  const code = codeField(t, null);
  code.input.inputMode = "numeric";
  const wrong = el("div", { role: "alert" });
  const submit = button(t("turnOn"), null, "primary", { type: "submit", form: "two-factor" });
  const form = el("form.fields", { id: "two-factor", novalidate: true, submit: confirm }, code.element, wrong);
  const dialog = openDialog(ctx, t("twoFactor"), { kind: "two-factor", foot: [button(t("cancel"), () => dialog.close()), submit], body: [
    el("p", null, t("scanIt")), picture, el("p.help", null, t("orType")), el("p.typed-key", null, el("bdi.key-now", null, key), copy), form,
  ] });
  code.input.focus();

  async function confirm(event) {
    event.preventDefault();
    wrong.replaceChildren();
    if (!code.check()) return code.input.focus();
    submit.disabled = true;
    try {
      const { recovery_codes: codes } = await api("/user/totp/confirm", { method: "POST", body: { code: code.input.value } });
      ctx.knowUser();
      dialog.close();
      showOnce(ctx, t("recoveryCodes"), { sentence: t("recoveryWhat"), text: codes.join("\n"), word: t("copyCodes"), file: "gpt-assistant-recovery-codes.txt" });
    } catch (fault) {
      submit.disabled = false;
      if (fault.status === 401) return;
      wrong.replaceChildren(el("div.notice.danger", null, icon("alert"), el("p", null, sentenceOf(fault, t))));
      code.input.focus();
      code.input.select();
    }
  }
}

/** Asks for password and code, and switches it off. */
export function turnOff(ctx) {
  const { t, api } = ctx;
  askWith(ctx, t("turnOffTwoFactor"), [passwordField(ctx), codeField(t, t("codeHelp"))], { word: t("turnOff"), isDanger: true, send: async (body) => {
    await api("/user/totp", { method: "DELETE", body });
    await ctx.knowUser();
    ctx.toast(t("twoFactorIsOff"));
  } });
}
