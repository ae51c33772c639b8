// The sheet of keys.

import { el } from "../lib/dom.js";
import { printed } from "./keyboard.js";
import { prefs } from "../models/kept.js";
import { openDialog } from "./dialog.js";

export function open(ctx) {
  const { t } = ctx;
  const isCtrl = prefs.get("sendWith") === "ctrl";
  const rows = [
    ["palette", ["mod+k"]], ["newChat", ["mod+shift+o"]], ["keySend", [isCtrl ? "mod+enter" : "enter"]], ["keyNewLine", [isCtrl ? "enter" : "shift+enter"]],
    ["keyStop", ["escape"]], ["keyEditLast", ["arrowup"]], ["keyQuestions", ["alt+arrowup", "arrowdown"]], ["keyVersions", ["alt+arrowleft", "arrowright"]],
    ["keyCopyLast", ["alt+c"]], ["keyList", ["mod+b"]], ["settings", ["mod+,"]], ["conversationSettings", ["alt+,"]], ["keyToComposer", ["/"]], ["keySheet", ["?"]],
  ];
  const caps = (chords) => el("span", null, ...chords.flatMap((chord) => printed(chord).flatMap((key) => [el("kbd", null, key), " "])));
  openDialog(ctx, t("shortcuts"), { kind: "sheet-of-keys", isReading: true, body: [el("dl.keys", null, ...rows.map(([key, chords]) => el("div", null, el("dt", null, t(key)), el("dd", null, caps(chords)))))] });
}
