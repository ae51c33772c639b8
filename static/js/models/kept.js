// What this browser keeps: how the page shall look, and where one was reading. Storage may be full or forbidden; then it
// is kept as long as the page is open.

const prefix = `gpt-assistant${globalThis.document?.documentElement.dataset.base ?? ""}:`;
const memory = new Map();

const storage = (kind) => {
  try {
    return globalThis[kind];
  } catch {
    return undefined;
  }
};

/** What is kept under a name; `kind` is `localStorage` or `sessionStorage`. */
export function read(name, kind = "localStorage") {
  try {
    return storage(kind)?.getItem(prefix + name) ?? memory.get(kind + name) ?? null;
  } catch {
    return memory.get(kind + name) ?? null;
  }
}

/** Keeps a text under a name; `null` forgets it. */
export function write(name, value, kind = "localStorage") {
  try {
    if (value === null) storage(kind)?.removeItem(prefix + name);
    else storage(kind)?.setItem(prefix + name, value);
    memory.delete(kind + name);
  } catch {
    memory.set(kind + name, value);
  }
  if (value === null) memory.delete(kind + name);
}

function json(name, kind) {
  try {
    return JSON.parse(read(name, kind)) ?? {};
  } catch {
    return {};
  }
}

const DEFAULTS = {
  theme: null, language: null, face: null, size: null, listHidden: false, sendWith: "enter", singleKeys: true, model: null,
};

/** Choices of this browser. `data-` attributes of the document follow those that style sees. */
export const prefs = {
  get(name) {
    return json("prefs")[name] ?? DEFAULTS[name];
  },
  set(name, value) {
    write("prefs", JSON.stringify({ ...json("prefs"), [name]: value }));
    const { dataset } = document.documentElement;
    if (["theme", "face", "size"].includes(name)) {
      if (value) dataset[name] = value;
      else delete dataset[name];
    }
    if (name === "listHidden") dataset.list = value ? "hidden" : "shown";
  },
};

/** Where one was in a conversation: `{turn, top}`, the first turn in sight and where its top stood. */
export const places = {
  get: (conversation) => json("places", "sessionStorage")[conversation] ?? null,
  set(conversation, place) {
    const all = Object.entries({ ...json("places", "sessionStorage"), [conversation]: place });
    // Only the latest: they are written while one scrolls.
    write("places", JSON.stringify(Object.fromEntries(all.slice(-40))), "sessionStorage");
  },
};
