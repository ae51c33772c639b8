// Before one is in: sign in and register, beside a page that is being written.

import { drawn, el, icon, say } from "../lib/dom.js";
import { seconds } from "../lib/words.js";
import { prefs, read, write } from "../models/kept.js";
import { codeField, createField, together } from "./field.js";

/** Mounts the form for an address: `/login` or `/register`. */
export function mountDoor(holder, ctx, path) {
  const { t, api, session, address } = ctx;
  const isNew = path === "/register";
  const { version, passwordMin } = document.documentElement.dataset;
  const code = new URLSearchParams(location.search).get("invite") ?? "";
  const { fields, faulty } = together(isNew ? registerFields(t, passwordMin, code) : loginFields(t));
  const notice = el("div", { role: "alert" });
  const lead = el("p.lead", { hidden: true });
  const stay = el("input", { type: "checkbox" });
  stay.checked = read("stay") !== "no";
  const submit = el("button.button.primary.wide", { type: "submit" }, t(isNew ? "createAccount" : "signIn"));
  const other = el("p.muted.other");
  const form = el("form", { novalidate: true, submit: enter }, el("h1", null, t(isNew ? "createAccount" : "signIn")), lead, notice, ...fields.map((field) => field.element),
    !isNew && el("label.check", null, stay, t("staySignedIn")), submit, other);
  const foot = el("p.auth-foot", null, el("span", null, t("runsHere", { version })), languageSwitch(ctx, fields));
  const brand = document.querySelector(".brand").cloneNode(true);
  const element = el("main.auth", null, el("div.auth-form", null, brand, form, foot), el("div.auth-art", { "aria-hidden": "true" }, drawArt()));
  holder.replaceChildren(element);
  // While one types, what is behind the door is fetched.
  form.addEventListener("input", () => ["shell", "keyboard", "chat"].forEach((part) => ctx.using(part)), { once: true });
  document.title = `${t(isNew ? "createAccount" : "signIn")} · gpt-assistant`;
  if (session.reason === "ended") showNotice(t("sessionEnded"), "");
  const values = ctx.doorValues ?? {};
  for (const field of fields) if (values[field.key]) field.input.value = values[field.key];
  ctx.doorValues = null;
  const firstEmpty = fields.find((field) => field.input.value === "" && !field.element.hidden) ?? fields[0];
  firstEmpty.input.focus();
  link();
  look();
  let counting;

  function link(registration = null) {
    if (isNew) other.replaceChildren(t("haveAccount"), " ", el("a", { href: address("/login") }, t("signIn")));
    else if (registration === "closed") other.replaceChildren(t("askWhoRuns"));
    else other.replaceChildren(t("newHere"), " ", el("a", { href: address("/register") }, t("createAnAccount")));
  }

  /** What the server lets in: the first account, everybody, the invited, nobody. */
  async function look() {
    const entrance = await api("/entrance", { token: null }).catch(() => null);
    if (!entrance || !holder.contains(element)) return;
    const { registration, first_account: isFirst, setup_code: needsCode } = entrance;
    link(isFirst ? "open" : registration);
    if (!isNew) return;
    const isClosed = !isFirst && registration === "closed";
    const isInvited = code !== "" && !isFirst && !isClosed;
    const lines = { invite: "inviteNeeded", closed: "registrationClosed" };
    say(lead, isFirst ? t("firstAccount") : isInvited ? t("invited") : registration in lines ? t(lines[registration]) : "");
    lead.hidden = lead.textContent === "";
    // Where nobody is let in there is nothing to fill in.
    for (const part of [...fields.map((field) => field.element), submit]) part.hidden = isClosed;
    if (isClosed) return other.querySelector("a").focus();
    const invite = fields.find((field) => field.key === "invite");
    const isCode = isFirst && needsCode;
    say(invite.label, t(isCode ? "setupCode" : "invitation"));
    say(invite.help, isCode ? t("setupCodeHelp") : "");
    invite.element.hidden = !isCode && (isFirst || registration !== "invite") && code === "";
  }

  function showNotice(sentence, kind = "danger") {
    notice.replaceChildren(el(`div.notice${kind && `.${kind}`}`, null, icon(kind === "" ? "key" : "alert"), el("p", null, sentence)));
  }

  async function enter(event) {
    event.preventDefault();
    const wrong = faulty();
    if (wrong.length > 0) return showFaults(wrong);
    submit.disabled = true;
    notice.replaceChildren();
    const body = Object.fromEntries(fields.filter((field) => field.input.value !== "").map((field) => [field.key, field.input.value]));
    try {
      const entered = await api(isNew ? "/register" : "/login", { method: "POST", body, token: null });
      if (!isNew) write("stay", stay.checked ? null : "no");
      session.enter(entered, isNew || stay.checked);
      ctx.entered();
    } catch (fault) {
      submit.disabled = false;
      refused(fault);
    }
  }

  function showFaults(wrong) {
    showNotice(t(isNew ? "lookAgain" : "fillIn", { n: wrong.length }));
    wrong[0].input.focus();
  }

  function refused(fault) {
    const named = fields.filter((field) => fault.fields[field.key]);
    for (const field of named) field.say(field.key === "email" && isNew && fault.fields.email.includes("already") ? t("emailTaken") : t.said(fault.fields[field.key]));
    if (named.length > 0) return showFaults(named);
    if (fault.retryAfter) return count(fault.retryAfter);
    const known = `fault_${fault.code}`;
    // That a code is needed is no fault, but the second step.
    showNotice(t.has(known) ? t(known) : fault.message || t("fault_internal"), fault.code === "totp_required" ? "" : "danger");
    const at = { invalid_credentials: "password", invite_invalid: "invite", setup_code_required: "invite", totp_required: "code", code_invalid: "code" }[fault.code];
    const field = fields.find((each) => each.key === at);
    if (!field) return;
    field.element.hidden = false;
    field.input.focus();
    field.input.select();
  }

  /** Too many tries: the button waits, and says how long. */
  function count(until) {
    const left = until - seconds();
    submit.disabled = left > 0;
    if (left <= 0) return notice.replaceChildren();
    showNotice(t("limited", { seconds: left }), "caution");
    counting = setTimeout(() => count(until), 1000);
  }

  return {
    destroy() {
      clearTimeout(counting);
      element.remove();
    },
  };
}

function loginFields(t) {
  // Shown when the server asks for it.
  const code = codeField(t, t("codeHelp"));
  code.element.hidden = true;
  return [
    createField("email", t("email"), { type: "email", autocomplete: "username", inputmode: "email" }, (value) => value.trim() === "" && t("emailNeeded")),
    createField("password", t("password"), { type: "password", autocomplete: "current-password" }, (value) => value === "" && t("passwordNeeded"), { t }),
    code,
  ];
}

function registerFields(t, least, code) {
  const email = (value) => !/^[^\s@]+@[^\s@]+$/.test(value.trim()) && t("addressIncomplete");
  const twice = (value, fields) => value !== fields.find((field) => field.key === "password").input.value && t("passwordsDiffer");
  const invite = createField("invite", t("invitation"), { autocomplete: "off", spellcheck: "false" }, () => false, { help: "" });
  invite.input.value = code;
  invite.element.hidden = code === "";
  return [
    createField("name", t("name"), { autocomplete: "name" }, (value) => value.trim() === "" && t("nameNeeded")),
    createField("email", t("email"), { type: "email", autocomplete: "username", inputmode: "email" }, email),
    createField("password", t("password"), { type: "password", autocomplete: "new-password" }, (value) => [...value].length < least && t("passwordShort", { n: Number(least) }), { t, help: t("passwordHelp", { n: Number(least) }) }),
    createField("password_confirmation", t("confirmPassword"), { type: "password", autocomplete: "new-password" }, twice),
    invite,
  ];
}

/** The other language, before sign in too. What was typed stays. */
function languageSwitch(ctx, fields) {
  const { t } = ctx;
  const other = t.locale === "en" ? "zh-CN" : "en";
  return el("button.link-button", { type: "button", lang: other, click: () => {
    ctx.doorValues = Object.fromEntries(fields.map((field) => [field.key, field.input.value]));
    prefs.set("language", other);
    ctx.restart();
  } }, t("otherLanguage"));
}

const LINES = [
  ["ask", 92, 214], ["line", 134, 430], ["line", 163, 476], ["line", 192, 404], ["line", 221, 452], ["line", 250, 236],
  ["ask", 323, 330], ["line", 365, 468], ["line", 394, 424], ["line", 423, 150],
  ["ask", 496, 158], ["line", 538, 440], ["line", 567, 476], ["line", 596, 392], ["line", 625, 460], ["line", 654, 428], ["line", 683, 204],
  ["ask", 756, 268], ["line", 798, 452], ["line", 827, 310],
];

/** The page beside the door: two inks, the last line being written. */
function drawArt() {
  const strokes = LINES.flatMap(([kind, y, width]) => {
    if (kind === "line") return [drawn("path", { class: "art-line", "stroke-width": 8, d: `M120 ${y}h${width}` })];
    return [
      drawn("path", { class: "art-stroke", "stroke-width": 4, d: `M92 ${y - 9}v18` }),
      drawn("path", { class: "art-ink", "stroke-width": 9, d: `M120 ${y}h${width}` }),
    ];
  });
  const caret = drawn("path", { class: "art-stroke", "stroke-width": 4, d: "M452 818v18" });
  return drawn("svg", { viewBox: "0 0 688 900", preserveAspectRatio: "xMidYMid slice" }, ...strokes, caret);
}
