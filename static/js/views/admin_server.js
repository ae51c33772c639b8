// The server's own figures, and a backup of it.

import { ago, size } from "../lib/ago.js";
import { button, el } from "../lib/dom.js";
import { seconds } from "../lib/words.js";
import { createForm } from "./form.js";

/** Its words are not in the table that is always read. */
export const needsMoreWords = true;

export function mountPart(holder, ctx) {
  const { t, api } = ctx;
  const form = createForm(ctx);

  async function read() {
    const server = await api("/admin/server");
    const past = (then) => (then === null ? t("never") : ago(then, seconds(), t.locale));
    const bytes = (count) => (count === null ? "–" : size(count, t.locale));
    const figures = [
      ["version", server.version], ["runsSince", past(server.started)], ["runningNow", t.number(server.running)], ["memory", bytes(server.memory_bytes)],
      ["accounts", t.number(server.users)], ["questionsAsked", t.number(server.turns)], ["database", bytes(server.database_bytes)], ["filesAndPictures", bytes(server.files_bytes)],
      ["dataFolder", bytes(server.data_bytes)], ["lastBackup", past(server.last_backup)],
    ];
    const backup = button(t("downloadBackup"), async () => {
      backup.disabled = true;
      await ctx.download("/admin/backup");
      backup.disabled = false;
    });
    holder.replaceChildren(el("dl.facts", null, ...figures.map(([key, value]) => el("div", null, el("dt", null, t(key)), el("dd", null, value)))), form.row(t("backup"), t("backupHelp"), backup));
  }

  return { ready: read(), destroy: form.destroy };
}
