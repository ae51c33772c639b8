// A menu at a button: arrows, first letters, Home and End move in it; Esc, Tab and a press elsewhere close it.

import { el, icon } from "../lib/dom.js";

const MARGIN = 8;
let close = null;

/** Opens a menu. Items are `{word, sign, run, isDanger}`, or `{word, sign, items}` for a menu behind, or null for a line. */
export function openMenu(anchor, label, items) {
  close?.();
  const buttons = items.map((item) => item && el(`button${item.isDanger ? ".danger" : ""}`, {
    type: "button", role: "menuitem", tabindex: -1, click: () => choose(item),
  }, icon(item.sign), item.word));
  const menu = el("div.menu", { role: "menu", "aria-label": label, keydown: press }, ...buttons.map((button) => button ?? el("hr")));
  const choices = buttons.filter(Boolean);
  const focused = () => choices.indexOf(document.activeElement);
  const focus = (at) => choices[(at + choices.length) % choices.length].focus();

  function choose(item) {
    end(true);
    if (item.items) openMenu(anchor, item.word, item.items);
    else item.run();
  }

  function press(event) {
    const moves = { ArrowDown: focused() + 1, ArrowUp: focused() - 1, Home: 0, End: choices.length - 1 };
    if (event.key in moves) focus(moves[event.key]);
    else if (event.key === "Escape") end(true);
    else if (event.key === "Tab") return end(true);
    else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && event.key !== " ") {
      const order = [...choices.slice(focused() + 1), ...choices.slice(0, focused() + 1)];
      order.find((button) => button.textContent.toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  const outside = (event) => {
    if (!menu.contains(event.target) && !anchor.contains(event.target)) end(false);
  };

  function end(isBack) {
    if (close !== end) return;
    close = null;
    menu.remove();
    anchor.setAttribute("aria-expanded", "false");
    anchor.closest(".side-item")?.removeAttribute("data-open");
    document.removeEventListener("pointerdown", outside, true);
    removeEventListener("resize", end);
    if (isBack) anchor.focus({ preventScroll: true });
  }

  close = end;
  anchor.setAttribute("aria-expanded", "true");
  anchor.closest(".side-item")?.setAttribute("data-open", "");
  // It stands beside its button, and is shown above everything where the browser can do that.
  (anchor.closest("nav, main, dialog") ?? document.body).append(menu);
  if (menu.showPopover) {
    menu.popover = "manual";
    menu.showPopover();
  }
  place(menu, anchor);
  focus(0);
  document.addEventListener("pointerdown", outside, true);
  addEventListener("resize", end);
}

/** Below the anchor where there is room, else above it; never outside the window. */
function place(menu, anchor) {
  const [at, size] = [anchor.getBoundingClientRect(), menu.getBoundingClientRect()];
  const isRtl = getComputedStyle(anchor).direction === "rtl";
  const left = isRtl ? at.left : at.right - size.width;
  const isBelow = at.bottom + size.height + MARGIN <= innerHeight || at.top < size.height;
  const top = isBelow ? at.bottom + 4 : at.top - size.height - 4;
  const within = (value, most) => Math.max(MARGIN, Math.min(value, most - MARGIN));
  menu.style.left = `${within(left, innerWidth - size.width)}px`;
  menu.style.top = `${within(top, innerHeight - size.height)}px`;
}
