// Dialogs: modal, closed by Esc, the cross, or a press beside them; the focus goes back to where it was.

import { button, el, iconButton, isComposing } from "../lib/dom.js";

/**
 * Opens a dialog. Gives `{element, body, foot, close}`; `onClose` is called with what it was closed with. `before`
 * says, perhaps later, whether Esc, the cross or a press beside it may close it; `isFirm` is closed by no press beside it.
 */
export function openDialog(ctx, title, { body = [], foot = [], kind = "", isReading = false, onClose = null, before = null, isFirm = false } = {}) {
  const { t } = ctx;
  const back = document.activeElement;
  const id = `dialog-${kind || "plain"}`;
  // Where there is nothing to press, the keys must still be able to scroll.
  const content = el("div.dialog-body", isReading ? { tabindex: 0 } : null, ...body);
  const actions = el("div.dialog-foot", null, ...foot);
  actions.hidden = foot.length === 0;
  const head = el("div.dialog-head", null, el("h2", { id }, title), iconButton("close", t("close"), () => leave()));
  const element = el(`dialog.dialog${kind && `.${kind}`}`, { "aria-labelledby": id }, head, content, actions);
  element.addEventListener("close", () => {
    element.remove();
    if (back?.isConnected) back.focus({ preventScroll: true });
    onClose?.(element.returnValue);
  });
  let isAsking = false;
  async function leave() {
    if (isAsking) return;
    isAsking = true;
    if (before === null || await before()) element.close();
    isAsking = false;
  }
  const ask = (event) => {
    if (before === null || event.target !== element && event.type === "cancel") return;
    event.preventDefault();
    leave();
  };
  // A browser lets a second Esc pass without asking: the key is taken before it comes to that.
  element.addEventListener("keydown", (event) => event.key === "Escape" && !isComposing(event) && ask(event));
  element.addEventListener("cancel", ask);
  // A press that began inside, such as a selection, does not close it.
  let isOutside = false;
  element.addEventListener("pointerdown", (event) => {
    isOutside = event.target === element;
  });
  element.addEventListener("click", (event) => event.target === element && isOutside && !isFirm && leave());
  document.body.append(element);
  element.showModal();
  return { element, body: content, foot: actions, close: (value) => element.close(value) };
}

/** Asks yes or no. */
export function confirm(ctx, { title, sentence = null, word, keep, isDanger = false }) {
  return new Promise((resolve) => {
    const dialog = openDialog(ctx, title, {
      kind: "small", body: sentence ? [el("p", null, sentence)] : [], onClose: (value) => resolve(value === "yes"),
      foot: [button(keep ?? ctx.t("cancel"), () => dialog.close("no")), button(word, () => dialog.close("yes"), isDanger ? "danger" : "primary")],
    });
    dialog.foot.firstElementChild.focus();
  });
}
