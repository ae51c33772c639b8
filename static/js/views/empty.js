// An empty chat: a greeting, what is missing if something is, and four ways to begin.

import { el, icon } from "../lib/dom.js";
import { partOfDay } from "../lib/words.js";
import { features } from "../models/session.js";

const STARTERS = ["explain", "rewrite", "plan", "check"];

export function createEmpty(ctx, { fill }) {
  const { t, session } = ctx;
  const { user } = session;
  const isUnable = user.caps.paid_by === null;
  const isAdmin = user.role === "admin";
  const name = firstName(user.name);
  const title = isUnable && isAdmin ? [t("welcome", { name }), t("oneThingMissing")] : [t(partOfDay(new Date().getHours()), { name }), t("whatShallWe")];
  const starters = STARTERS.map((key) => {
    const [verb, rest] = [t(`${key}Verb`), t(`${key}Rest`)];
    const text = t("starter", { verb, rest });
    return el("li", null, el("button", { type: "button", click: () => fill(text, text.length - rest.length) }, el("b", null, verb), el("span", null, rest), icon("right", "icon small")));
  });
  return el("div.empty", null, el("h2", null, title[0], el("br"), title[1]), isUnable ? missing(ctx, isAdmin) : sharedLine(ctx), el("ul.starters", null, ...starters));
}

/** Nobody's key is there: without one there are no answers. */
function missing({ t, address }, isAdmin) {
  const shared = isAdmin && features.people && el("a.button", { href: address("/admin") }, t("setSharedKey"));
  return el("div.notice", null, icon("key"), el("p", null, t(isAdmin && features.people ? "noKeyAdmin" : "noKey")), el("a.button.primary", { href: address("/settings#keys") }, t("addMyKey")), shared);
}

/** What of the shared key one may use. */
function sharedLine({ t, session }) {
  const { paid_by: payer, month, day } = session.user.caps;
  const [cap, key] = month ? [month, "sharedMonth"] : [day, "sharedDay"];
  if (payer !== "shared" || !cap) return null;
  return el("p.empty-note", null, t(key, { n: cap.limit }));
}

/** What one is called by: the first word of a name in letters, a Chinese name as it is, less a family name of one sign. */
export function firstName(name) {
  const whole = name.trim();
  if (/^[\u3400-\u9fff]{3}$/.test(whole)) return whole.slice(1);
  return whole.split(/\s+/)[0];
}
