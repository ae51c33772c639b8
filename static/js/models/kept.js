// What this browser keeps: how the page shall look, where one was reading, drafts. Storage may be full or forbidden; then
// it is kept as long as the page is open.

import { newId } from "../lib/text.js";

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
    if (value === null) storage(kind).removeItem(prefix + name);
    else storage(kind).setItem(prefix + name, value);
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
  theme: null, language: null, face: null, size: null, listHidden: false, sendWith: "enter", singleKeys: true, model: null, heard: null, isAlone: true,
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

const NOTHING = { text: "", files: [], id: null, waiting: null };

const joined = (first, second) => [first, second].filter((text) => text.trim() !== "").join("\n\n");
const idsOf = (files) => files.map((file) => file.id).join();

/**
 * What was typed and not sent, and what was sent and not taken yet, for each conversation of a person. Nothing typed is lost
 * by a reload, a lost network or an ended login. Each conversation is kept for itself: two tabs must not overwrite each
 * other's. `kept` reads and writes texts by name.
 */
export function createDrafts(user, kept = { read, write }) {
  const name = (conversation) => `draft:${user}:${conversation ?? "new"}`;
  const load = (conversation) => {
    try {
      return { ...NOTHING, ...JSON.parse(kept.read(name(conversation))) };
    } catch {
      return { ...NOTHING };
    }
  };
  const save = (conversation, draft) => {
    const isNothing = draft.text === "" && draft.files.length === 0 && draft.waiting === null;
    kept.write(name(conversation), isNothing ? null : JSON.stringify(draft));
    return draft;
  };
  const drafts = {
    /** What the box shall hold, `{text, files}`. What was sent and not taken is in it again. */
    open: (conversation) => drafts.back(conversation),
    /** This is in the box now. Changed words or files are another message, with another name. */
    write(conversation, { text, files }) {
      const draft = load(conversation);
      const now = { ...draft, text: text ?? draft.text, files: files ?? draft.files };
      const isSame = draft.text.trim() === now.text.trim() && idsOf(draft.files) === idsOf(now.files);
      save(conversation, { ...now, id: isSame ? draft.id : null });
    },
    /** The message goes out; gives the name of the send. The box is empty. */
    send(conversation, text, files = []) {
      const id = load(conversation).id ?? newId();
      save(conversation, { ...NOTHING, waiting: { text, files, id } });
      return id;
    },
    /** The server has it, in this conversation. What was typed since goes on there. */
    placed(conversation, place) {
      const draft = load(conversation);
      if (conversation !== place) save(conversation, { ...NOTHING });
      save(place, { ...draft, waiting: null });
    },
    /** It was not taken: it is in the box again, before what was typed since. */
    back(conversation) {
      const draft = load(conversation);
      if (draft.waiting === null) return draft;
      const { text, files = [], id } = draft.waiting;
      const isAlone = draft.text.trim() === "" && draft.files.length === 0;
      const both = { text: joined(text, draft.text), files: [...files, ...draft.files] };
      return save(conversation, { ...both, id: isAlone ? id : null, waiting: null });
    },
  };
  return drafts;
}
