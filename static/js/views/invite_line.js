// The administrator's first visits: all works, and nobody else is there yet. A line offers to invite the others, until one
// of them has come or it is put away.

import { button, iconButton } from "../lib/dom.js";
import { prefs } from "../models/kept.js";

/** Fills the line that was kept free for it, or takes it away. */
export async function fillInviteLine(line, ctx) {
  const { t, api } = ctx;
  const done = () => {
    prefs.set("isAlone", false);
    line.remove();
  };
  const close = () => {
    done();
    document.querySelector("#message").focus();
  };
  try {
    const [{ users }, { registration }] = await Promise.all([api("/admin/server"), api("/entrance")]);
    if (users > 1) return done();
    // Where nobody is let in, an invitation is no way in either.
    if (registration === "closed") return line.remove();
  } catch {
    return line.remove();
  }
  const invite = button(t("inviteFamily"), () => ctx.using("admin_invite", ({ askInvite }) => askInvite(ctx, async () => done())));
  invite.className = "link-button";
  line.append(t("onlyYou"), " ", invite, iconButton("close", t("close"), close));
}
