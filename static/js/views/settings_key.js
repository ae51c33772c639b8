// The part of the settings about the API key: it is tried before it is kept, and never shown again.

import { button, el, icon, say } from "../lib/dom.js";
import { sentenceOf } from "./fault.js";

export function keyPart(ctx, { row, watch }) {
  const { t, api, session } = ctx;
  const field = el("input.input", { type: "password", "aria-label": t("apiKey"), placeholder: "sk-…", autocomplete: "off", spellcheck: "false", dir: "ltr" });
  const result = el("div.key-result", { role: "status" });
  const now = el("div.row", { hidden: true });
  const shared = el("p.muted");
  const notice = (kind, sign, sentence, why = "", extra = []) => result.replaceChildren(el(`div.notice.${kind}`, null, icon(sign), el("p", null, sentence, why && el("span.why", { dir: "auto" }, why)), ...extra));

  async function keep(key) {
    await api("/user/api-key", { method: "POST", body: { api_key: key } });
    if (field.value === key) field.value = "";
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
    if (fault.status !== 401) notice("danger", "alert", sentenceOf(fault, t));
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
