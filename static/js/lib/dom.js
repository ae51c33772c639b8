// Elements and events. Text always goes in as text; only trusted.js ever takes markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element: `el("p.note", {lang: "en"}, "text", child)`. A function among the properties listens to that event. */
export function el(name, properties, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  if (properties instanceof Node || typeof properties === "string") children.unshift(properties);
  else set(element, properties ?? {});
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Sets attributes, listeners and properties. `null`, `undefined` and `false` take an attribute away. */
export function set(element, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name === "value" || name === "checked" || name === "disabled" || name === "hidden") element[name] = value ?? false;
    else if (name.startsWith("aria-") && typeof value === "boolean") element.setAttribute(name, String(value));
    else if (value === null || value === undefined || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : value);
  }
  return element;
}

/** Listens to events by name, and gives the function that stops it. */
export function listen(target, listeners) {
  for (const [name, listener] of Object.entries(listeners)) target.addEventListener(name, listener);
  return () => {
    for (const [name, listener] of Object.entries(listeners)) target.removeEventListener(name, listener);
  };
}

/** A sign of the sprite. */
export function icon(name, classes = "icon") {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", classes);
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#sign-${name}`);
  svg.append(use);
  return svg;
}

/** Shows another sign in a control. */
export const setSign = (control, name) => control.querySelector("use").setAttribute("href", `#sign-${name}`);

/** An element of a drawing. */
export function drawn(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes ?? {})) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A button that shows a sign: its word is its name, and its tip. */
export function iconButton(sign, word, action, properties = {}) {
  const named = { type: "button", "aria-label": word, title: word, click: action, ...properties };
  return el("button.icon-button", named, icon(sign));
}

/** A button with a word. */
export function button(word, action, classes = "", properties = {}) {
  return el(`button.button${classes && `.${classes.replaceAll(" ", ".")}`}`, { type: "button", click: action, ...properties }, word);
}

/** Sets a text, and touches the page only when it is another one. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Another name for a button that has none but its label. */
export function name(element, word) {
  if (element.getAttribute("aria-label") === word) return;
  set(element, { "aria-label": word, title: word });
}

/** Puts these children, in this order, and leaves alone those that already stand where they should. */
export function arrange(parent, children) {
  let at = parent.firstChild;
  for (const child of children) {
    if (child === at) at = at.nextSibling;
    else parent.insertBefore(child, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

/** Text with ranges of it in `mark`. */
export function marked(text, marks) {
  const parts = [];
  let at = 0;
  for (const [from, to] of marks) {
    if (from < at) continue;
    parts.push(text.slice(at, from), el("mark", null, text.slice(from, to)));
    at = to;
  }
  return [...parts, text.slice(at)].filter((part) => part !== "");
}

/** A line has about so many letters, and is so high: by that the height of what is out of sight is guessed. */
const [LETTERS, LEADING] = [66, 1.64];

/** Text that is laid out by itself, and only where it is seen. It has so many letters, or lines. */
export function asPiece(element, letters, lines = letters / LETTERS) {
  element.className = "piece";
  element.style.containIntrinsicBlockSize = `auto ${Math.ceil(lines * LEADING)}em`;
  return element;
}

/** The element at the end of which the last character stands. */
export function deepest(node) {
  let at = node;
  while (at.lastElementChild?.matches("ul, ol, li, p, blockquote, .code, pre, code, .piece")) at = at.lastElementChild;
  return at;
}

/** Whether any of an element is selected. */
export function isSelected(node) {
  if (!node?.isConnected) return false;
  const selection = document.getSelection();
  return selection !== null && !selection.isCollapsed && selection.containsNode(node, true);
}

/** Gives the browser a file to keep. */
export function saveAs(blob, name) {
  const url = URL.createObjectURL(blob);
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** True where a finger points. */
export const isCoarse = () => matchMedia("(pointer: coarse)").matches;
/** True where nothing should move. */
export const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Copies text. On plain HTTP there is no clipboard to write to; there a selection is copied. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const [holder, focused] = [el("textarea.sr", { "aria-hidden": "true", readonly: true }), document.activeElement];
    const parent = focused?.closest("dialog") ?? document.body;
    holder.value = text;
    parent.append(holder);
    holder.select();
    const isDone = document.execCommand("copy");
    holder.remove();
    focused?.focus({ preventScroll: true });
    return isDone;
  }
}

/** True while an input method composes. Safari ends the composition before the key that ended it: its code is 229. */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;

/** True for Enter that is no part of a composition. */
export const isEnter = (event) => event.key === "Enter" && !isComposing(event);

/** Whether a press sends the message: Enter alone, or with Ctrl or Cmd where the person chose that. */
export function sends(event, sendWith) {
  if (!isEnter(event) || event.shiftKey || event.altKey) return false;
  const held = event.ctrlKey || event.metaKey;
  return sendWith === "ctrl" ? held : true;
}
