// Where one writes. It grows with the text, sends by Enter, and never sends what an input method still composes.

import { el, icon, iconButton, listen, say, sends, set, setSign } from "../lib/dom.js";
import { prefs } from "../models/kept.js";
import { lazyTray } from "./chat_parts.js";

/** From this part of the limit on the count is shown. */
const WARN = 0.9;

/** `hooks` are `send(text, files)`, `stop()`, `typed(text)`, `settings()`, `editLast()`, `chooseModel(id)`, and `opened()` when the box has another draft. */
export function mountComposer(dock, ctx, hooks) {
  const { t } = ctx;
  const form = dock.querySelector("form");
  const field = dock.querySelector("textarea");
  const most = Number(document.documentElement.dataset.messageMax) || Infinity;
  set(field, { "aria-label": t("message"), placeholder: t("askAnything"), enterkeyhint: "enter" });
  const model = createModelChoice(ctx, hooks.chooseModel);
  const dot = el("i.dot", { hidden: true });
  const settings = iconButton("sliders", t("conversationSettings"), () => hooks.settings(settings), { class: "icon-button settings-button" });
  settings.append(dot);
  const count = el("span.count", { role: "status", hidden: true });
  const send = el("button.send", { type: "submit" }, icon("send"));
  const tray = lazyTray(dock.parentElement, field, ctx, () => update());
  dock.querySelector(".composer-row").replaceChildren(tray.button, model.element, settings, el("span.gap"), count, send);
  say(dock.querySelector(".dock-note"), t("note"));
  const notice = el("div.dock-notice");
  form.before(notice);
  let isRunning = false;
  /** What was typed before the page was ready. */
  let early = field.value;

  const length = () => (field.value.length <= most ? field.value.length : [...field.value].length);

  function update() {
    const used = length();
    const isOver = used > most;
    const { obstacle } = tray;
    const isNear = used >= most * WARN;
    count.hidden = !isNear && obstacle === null;
    count.classList.toggle("over", isOver || obstacle === "fileRefused");
    say(count, isOver ? t("tooLong", { n: used - most, most }) : obstacle ? t(obstacle) : isNear ? t("count", { used, most }) : "");
    const isStop = isRunning;
    setSign(send, isStop ? "stop" : "send");
    send.disabled = !isStop && !isReady();
    const word = t(isStop ? "stop" : "send");
    set(send, { "aria-label": word, title: !isStop && !ctx.line.isUp ? t("sendsWhenBack") : word });
    grow();
  }

  // Where the browser sizes the field by its content, this finds nothing to do.
  const sizesItself = CSS.supports("field-sizing", "content");
  function grow() {
    if (sizesItself) return;
    field.style.blockSize = "auto";
    field.style.blockSize = `${field.scrollHeight}px`;
  }

  /** Whether there is something to send, and all of it is there. */
  function isReady() {
    return (field.value.trim() !== "" || tray.files.length > 0) && length() <= most && tray.obstacle === null;
  }

  function submit() {
    if (isRunning) return hooks.stop();
    if (!isReady()) return;
    const [text, files] = [field.value, tray.files];
    hooks.send(text, files);
  }

  const onInput = () => {
    update();
    hooks.typed(field.value);
  };
  const onKey = (event) => {
    if (sends(event, prefs.get("sendWith"))) {
      event.preventDefault();
      // While an answer runs Enter must not stop it: that is what Esc and the button are for.
      if (!isRunning) submit();
    } else if (event.key === "ArrowUp" && field.value === "" && !event.isComposing) {
      if (hooks.editLast()) event.preventDefault();
    }
  };
  const onSubmit = (event) => {
    event.preventDefault();
    submit();
  };
  const deaf = [listen(field, { input: onInput, keydown: onKey }), listen(form, { submit: onSubmit }), listen(ctx.line, { change: update })];
  update();

  return {
    field,
    notice,
    /** The box is that of this conversation, and holds `{text, files}`. */
    open(conversation, { text, files }) {
      const before = field.value;
      const isNew = early.trim() !== "" && !text.includes(early);
      field.value = isNew ? text + early : text;
      early = "";
      tray.open(conversation, files);
      update();
      if (field.value !== before) hooks.opened();
      if (isNew) hooks.typed(field.value);
    },
    /** A new chat has this number now: what is on its way to it goes there. */
    placed: tray.placed,
    focus() {
      field.focus({ preventScroll: true });
    },
    /** Puts a starter in, with the part selected that is to be changed. */
    fill(text, from) {
      field.value = text;
      field.focus();
      field.setSelectionRange(from, text.length);
      onInput();
    },
    setRunning(is) {
      isRunning = is;
      update();
    },
    /** A dot says that this conversation has settings of its own. */
    setSettings(info) {
      const own = [info.system_prompt, ...Object.values(info.params ?? {})];
      dot.hidden = own.every((value) => value === null || value === undefined || value === "");
      model.show(info.model);
    },
    model,
    destroy() {
      for (const stop of deaf) stop();
      field.value = "";
      notice.remove();
      tray.destroy();
      model.destroy();
    },
  };
}

/** Which model answers. The list may come later, and may not know the one that is chosen. */
function createModelChoice(ctx, choose) {
  const { t, models } = ctx;
  const select = el("select", { "aria-label": t("model"), title: t("model") });
  const element = el("span.model", null, select, icon("down", "icon small"));
  let chosen = null;

  function update() {
    const current = chosen ?? models.preferred ?? "";
    const ids = models.list.map((model) => model.id);
    if (current !== "" && !ids.includes(current)) ids.unshift(current);
    if ([...select.options].map((option) => option.value).join("\n") !== ids.join("\n")) {
      select.replaceChildren(...ids.map((id) => el("option", { value: id }, id)));
    }
    select.value = current;
    element.hidden = ids.length === 0;
  }

  select.addEventListener("change", () => {
    chosen = select.value;
    choose(chosen);
  });
  models.addEventListener("change", update);
  update();
  ctx.chooseModel = () => {
    select.focus();
    try {
      select.showPicker?.();
    } catch {
      // Some browsers open it only for a press on it.
    }
  };
  return {
    element,
    select,
    show(model) {
      chosen = model ?? null;
      update();
    },
    destroy: () => models.removeEventListener("change", update),
  };
}

/** Own prompts are fetched by the first slash. */
export function lazySlash(ctx, composer) {
  let [made, isGone] = [null, false];
  const typed = () => {
    if (made) made.typed(composer.field.value);
    else if (composer.field.value.startsWith("/")) ctx.using("slash", ({ mountSlash }) => {
      if (isGone) return;
      made ??= mountSlash(ctx, composer);
      made.typed(composer.field.value);
    });
  };
  composer.field.addEventListener("input", typed);
  return {
    close: () => made?.close(),
    destroy() {
      isGone = true;
      composer.field.removeEventListener("input", typed);
      made?.destroy();
    },
  };
}
