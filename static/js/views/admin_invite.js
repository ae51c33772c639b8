// A new invitation. Its code is known only when it is made: the link is shown once, to be copied.

import { askWith } from "./ask.js";
import { createField } from "./field.js";
import { showOnce } from "./once.js";

/** Its words are not in the table that is always read. */
export const needsMoreWords = true;

/** Asks whom it is for, and shows the link; `made` is called when there is one more. */
export function askInvite(ctx, made) {
  const { t, api } = ctx;
  const number = (most) => (value) => !(/^\d+$/.test(value) && value >= 1 && value <= most) && t("numberTo", { most });
  const fields = [
    createField("note", t("inviteFor"), { autocomplete: "off", maxlength: 200, placeholder: t("inviteForWhom") }, () => false),
    createField("uses", t("people"), { type: "number", min: 1, max: 1000, inputmode: "numeric" }, number(1000), { help: t("usesHelp") }),
    createField("days", t("validDays"), { type: "number", min: 1, max: 365, inputmode: "numeric" }, number(365)),
  ];
  fields[1].input.value = 1;
  fields[2].input.value = 7;
  askWith(ctx, t("invite"), fields, { word: t("makeLink"), send: async ({ note, uses, days }) => {
    const invite = await api("/admin/invites", { method: "POST", body: { note, uses: Number(uses), days: Number(days) } });
    // Where no public address is configured, the one that one is at is the best guess.
    const text = new URL(invite.url, location.origin).href;
    setTimeout(() => showOnce(ctx, t("inviteLink"), { sentence: t("inviteOnce"), text, word: t("copyLink") }));
    made().catch(() => {});
  } });
}
