// What an administrator can do with an account. The server holds that one administrator is left, and says so.

import { el } from "../lib/dom.js";
import { askWith } from "./ask.js";
import { createField } from "./field.js";
import { openMenu } from "./menu.js";
import { showOnce } from "./once.js";

/** Its words are not in the table that is always read. */
export const needsMoreWords = true;

/** A whole number: digits, or groups of exactly three with one and the same sign between them. */
const WHOLE = /^(?:\d{1,13}|\d{1,3}(?:([\s,.])\d{3}(?:\1\d{3}){0,3})?)$/;

export function openPersonMenu(ctx, people, person, anchor) {
  const { t } = ctx;
  const isAdmin = person.role === "admin";
  /** Does it, and says that it was done. */
  const change = (body, sentence) => async () => {
    try {
      await people.change(person.id, body);
      ctx.toast(t(sentence, { name: person.name }));
    } catch (fault) {
      ctx.fail(fault);
    }
    refocus(person);
  };
  openMenu(anchor, t("moreAbout", { title: person.name }), [
    { word: t("changeCaps"), sign: "sliders", run: () => askCaps(ctx, people, person) },
    { word: t("newPasswordFor"), sign: "key", run: () => newPassword(ctx, people, person) },
    { word: t(isAdmin ? "makeMember" : "makeAdmin"), sign: "users", run: change({ role: isAdmin ? "user" : "admin" }, isAdmin ? "isMemberNow" : "isAdminNow") },
    { word: t(person.disabled ? "enable" : "disable"), sign: person.disabled ? "check" : "lock", run: person.disabled ? change({ disabled: false }, "isEnabledNow") : () => disable(ctx, person, change({ disabled: true }, "isDisabledNow")) },
    null,
    { word: t("deleteAccount"), sign: "trash", isDanger: true, run: () => remove(ctx, people, person) },
  ]);
}

/** The row is another one after a change: its button takes the focus. */
function refocus({ id }) {
  document.querySelector(`#person-${id}`)?.focus();
}

async function disable(ctx, { name }, run) {
  const { t } = ctx;
  if (await ctx.confirm({ title: t("disableSure", { name }), sentence: t("disableWhat"), word: t("disable"), isDanger: true })) run();
}

async function newPassword(ctx, people, { id, name }) {
  const { t } = ctx;
  if (!await ctx.confirm({ title: t("newPasswordSure", { name }), sentence: t("newPasswordWhat"), word: t("newPasswordFor") })) return;
  try {
    const password = await people.newPassword(id);
    showOnce(ctx, t("newPassword"), { sentence: t("newPasswordOnce", { name }), text: password, word: t("copyPassword") });
  } catch (fault) {
    ctx.fail(fault);
  }
}

async function remove(ctx, people, { id, name, email }) {
  const { t } = ctx;
  if (!await ctx.confirm({ title: t("deletePersonSure", { name }), sentence: t("deletePersonWhat", { email }), word: t("deleteForGood"), isDanger: true })) return;
  try {
    await people.remove(id);
    ctx.toast(t("isDeletedNow", { name }));
    // Its row is gone.
    document.querySelector(".admin-tools input")?.focus();
  } catch (fault) {
    ctx.fail(fault);
  }
}

/** A field for a number of tokens. */
export function capField(ctx, key, word, value, help) {
  const wrong = (text) => Number.isNaN(tokensIn(text)) && ctx.t("wholeNumber");
  const field = createField(key, word, { inputmode: "numeric", autocomplete: "off", dir: "ltr" }, wrong, { help });
  // Digits alone: the signs between them are not the same everywhere.
  field.input.value = value === null ? "" : String(value);
  return field;
}

/** The number in such a field; null where nothing is written, NaN for what is no whole number. */
export function tokensIn(text) {
  const written = text.trim();
  if (written === "") return null;
  return WHOLE.test(written) ? Number(written.replaceAll(/\D/g, "")) : NaN;
}

function askCaps(ctx, people, person) {
  const { t } = ctx;
  const fields = [
    capField(ctx, "cap_month", t("tokensMonth"), person.cap_month, people.monthly > 0 ? t("emptyIsUsual", { n: people.monthly }) : t("emptyIsNone")),
    capField(ctx, "cap_day", t("tokensDay"), person.cap_day, t("zeroIsNone")),
  ];
  askWith(ctx, t("changeCaps"), fields, { lead: [el("p.muted", null, t("capsOf", { name: person.name }))], word: t("save"), send: async (body) => {
    await people.change(person.id, { cap_month: tokensIn(body.cap_month), cap_day: tokensIn(body.cap_day) });
    ctx.toast(t("saved"));
  }, onClose: () => refocus(person) });
}
