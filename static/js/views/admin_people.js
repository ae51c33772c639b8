// People: who has an account, what she may use, and what can be done about it; below them the invitations.

import { ago } from "../lib/ago.js";
import { button, el, icon, iconButton, say } from "../lib/dom.js";
import { seconds } from "../lib/words.js";
import { People } from "../models/people.js";
import { mountInvites } from "./admin_invites.js";
import { fillAvatar } from "./sidebar.js";

/** Its words are not in the table that is always read. */
export const needsMoreWords = true;

const TYPING = 200;

/** The part of a cap from which its use is shown in red. */
const NEARLY = 0.95;

export function mountPart(holder, ctx) {
  const { t } = ctx;
  const people = new People(ctx);
  const invites = mountInvites(ctx);
  const search = el("input.input", { type: "search", "aria-label": t("findPerson"), placeholder: t("findPerson"), autocomplete: "off", spellcheck: "false", dir: "auto" });
  const invite = el("button.button.primary", { type: "button", click: () => ctx.using("admin_invite", ({ askInvite }) => askInvite(ctx, invites.read)) }, icon("plus", "icon small"), t("invite"));
  const heads = ["person", "role", "state", "lastSeen", "sharedThisMonth"].map((key) => el(`th.of-${key}`, { scope: "col" }, t(key)));
  const rows = el("tbody");
  const table = el("table.grid-table.people", null, el("caption.sr", null, t("people")), el("thead", null, el("tr", null, ...heads, el("td"))), rows);
  const status = el("p.muted", { role: "status" });
  const more = button(t("showMore"), () => people.more().catch(ctx.fail), "", { hidden: true });
  holder.append(el("section", { "aria-label": t("people") }, el("div.admin-tools", null, search, invite), table, status, more), invites.element);

  function show() {
    rows.replaceChildren(...people.items.map((person) => row(ctx, people, person)));
    table.hidden = people.items.length === 0;
    say(status, people.items.length === 0 ? t("nobodyFound") : "");
    more.hidden = people.next === null;
  }

  let timer;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => people.find(search.value.trim()).catch(ctx.fail), TYPING);
  });
  people.addEventListener("change", show);
  return { ready: Promise.all([people.find(), invites.read()]), destroy: () => clearTimeout(timer) };
}

function row(ctx, people, person) {
  const { t } = ctx;
  const picture = el("span.avatar", { "aria-hidden": "true" });
  fillAvatar(picture, person);
  const more = iconButton("more", t("moreAbout", { title: person.name }), () => ctx.using("admin_person", ({ openPersonMenu }) => openPersonMenu(ctx, people, person, more)), { id: `person-${person.id}`, "aria-haspopup": "menu", "aria-expanded": "false" });
  const isSelf = person.id === ctx.session.user.id;
  const name = el("span", null, el("bdi", null, person.name), isSelf && el("span.faint", null, ` ${t("thatIsYou")}`), el("small", { dir: "auto" }, person.email));
  return el("tr", null,
    el("th", { scope: "row" }, el("div.person", null, picture, name)),
    el("td.of-role", null, t(person.role === "admin" ? "administrator" : "member")),
    el("td.of-state", null, el(`span.tag${person.disabled ? ".off" : ".ok"}`, null, t(person.disabled ? "disabled" : "active"))),
    el("td.of-lastSeen.muted", null, person.last_seen === null ? t("never") : ago(person.last_seen, seconds(), t.locale)),
    el("td.of-sharedThisMonth", null, share(ctx, person, people.capOf(person))),
    el("td.r", null, more));
}

/** How much of the cap is used. */
function share({ t }, { tokens_month: used, has_api_key: hasKey }, cap) {
  const own = hasKey && el("span.faint", null, t("hasOwnKey"));
  if (cap === 0) return el("div.cap", null, el("span.num", null, t("usedNoCap", { used })), own);
  const words = used >= cap ? "usedUp" : used >= cap * NEARLY ? "usedNearly" : "usedOf";
  const filled = el("i");
  filled.style.inlineSize = `${Math.min(100, (used / cap) * 100)}%`;
  const track = el(`span.track${words === "usedOf" ? "" : ".full"}`, { "aria-hidden": "true" }, filled);
  return el("div.cap", null, el("span.num", null, t(words, { used, limit: cap })), track, own);
}
