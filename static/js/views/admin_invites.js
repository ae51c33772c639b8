// Invitations that can still be used. They are made beside (admin_invite.js), and ended here.

import { ago } from "../lib/ago.js";
import { button, el } from "../lib/dom.js";
import { seconds } from "../lib/words.js";

export function mountInvites(ctx) {
  const { t, api } = ctx;
  const rows = el("tbody");
  const heads = ["inviteFor", "usesLeft", "ends"].map((key) => el("th", { scope: "col" }, t(key)));
  const table = el("table.grid-table", { hidden: true }, el("caption.sr", null, t("invitations")), el("thead", null, el("tr", null, ...heads, el("td"))), rows);
  const none = el("p.muted", { hidden: true }, t("noInvites"));
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
      end.disabled = true;
      try {
        await api(`/admin/invites/${invite.id}`, { method: "DELETE" });
        ctx.toast(t("inviteEnded"));
        await read();
        title.focus();
      } catch (fault) {
        end.disabled = false;
        ctx.fail(fault);
      }
    }, "small danger", { "aria-label": t("endInviteOf", { note }) });
    return el("tr", null, el("th", { scope: "row", dir: "auto" }, note), el("td", null, t.number(invite.uses_left)), el("td.muted", null, ago(invite.expires, seconds(), t.locale)), el("td.r", null, end));
  }

  return { element, read };
}
