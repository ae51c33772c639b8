// Chords: keys pressed together, as one word, and as they are printed.

/** The keys of a press as one word: `mod+shift+o`, `alt+arrowup`, `?`. Ctrl and Cmd are both `mod`. */
export function chord(event) {
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("mod");
  if (event.altKey) parts.push("alt");
  const key = event.altKey && /^Key[A-Z]$/.test(event.code) ? event.code.slice(3).toLowerCase() : event.key.toLowerCase();
  // A sign such as ? needs Shift on some keyboards and none on others.
  if (event.shiftKey && (key.length > 1 || /[a-z]/.test(key))) parts.push("shift");
  return [...parts, key].join("+");
}

/** True where typing is meant for a field. */
export function isField(target) {
  return target?.isContentEditable === true || /^(INPUT|TEXTAREA|SELECT)$/.test(target?.tagName ?? "");
}

const isMac = () => /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? "");

/** The keys of a chord as they are printed on them. */
export function printed(keys) {
  const mac = isMac();
  const names = {
    mod: mac ? "⌘" : "Ctrl", alt: mac ? "⌥" : "Alt", shift: mac ? "⇧" : "Shift", enter: "Enter", escape: "Esc",
    arrowup: "↑", arrowdown: "↓", arrowleft: "←", arrowright: "→",
  };
  return keys.split("+").map((key) => names[key] ?? key.toUpperCase());
}
