// Invitations: made, copied as a link, ended. A code is known only when it is made.

import { ago } from "../lib/ago.js";
import { button, el } from "../lib/dom.js";
import { seconds } from "../lib/words.js";
import { askWith } from "./ask.js";
import { createField } from "./field.js";
import { showOnce } from "./once.js";

export function mountInvites(ctx) {
  const { t, api } = ctx;
  const rows = el("tbody");
  const heads = ["inviteFor", "usesLeft", "ends"].map((key) => el("th", { scope: "col" }, t(key)));
  const table = el("table.grid-table", null, el("caption.sr", null, t("invitations")), el("thead", null, el("tr", null, ...heads, el("td"))), rows);
  const none = el("p.muted", null, t("noInvites"));
  const title = el("h2.sub", { tabindex: -1 }, t("invitations"));
  const element = el("section.invites", null, title, none, table);

  async function read() {
    const { invites } = await api("/admin/invites");
    rows.replaceChildren(...invites.map(row));
    table.hidden = invites.length === 0;
    none.hidden = invites.length > 0;
  }

  function row(invite) {
    const note = invite.note || t("anybody");
    const end = button(t("endInvite"), async () => {
      try {
        await api(`/admin/invites/${invite.id}`, { method: "DELETE" });
        ctx.toast(t("inviteEnded"));
        await read();
        title.focus();
      } catch (fault) {
        ctx.fail(fault);
      }
    }, "small danger", { "aria-label": t("endInviteOf", { note }) });
    return el("tr", null, el("th", { scope: "row", dir: "auto" }, note), el("td", null, t.number(invite.uses_left)), el("td.muted", null, ago(invite.expires, seconds(), t.locale)), el("td.r", null, end));
  }

  /** Asks whom it is for, and shows the link. */
  function create() {
    const number = (most) => (value) => !(/^\d+$/.test(value) && value >= 1 && value <= most) && t("numberTo", { most });
    const fields = [
      createField("note", t("inviteFor"), { autocomplete: "off", maxlength: 200, placeholder: t("inviteForWhom") }, () => false),
      createField("uses", t("people"), { type: "number", min: 1, max: 1000, inputmode: "numeric" }, number(1000), { help: t("usesHelp") }),
      createField("days", t("validDays"), { type: "number", min: 1, max: 365, inputmode: "numeric" }, number(365)),
    ];
    fields[1].input.value = 1;
    fields[2].input.value = 7;
    askWith(ctx, t("invite"), fields, { word: t("makeLink"), send: async ({ note, uses, days }) => {
      const made = await api("/admin/invites", { method: "POST", body: { note, uses: Number(uses), days: Number(days) } });
      // Where no public address is configured, the one that one is at is the best guess.
      const text = new URL(made.url, location.origin).href;
      setTimeout(() => showOnce(ctx, t("inviteLink"), { sentence: t("inviteOnce"), text, word: t("copyLink") }));
      read().catch(() => {});
    } });
  }

  return { element, read, create };
}
