// Parts of the room: what a conversation says, put where it belongs; the empty chat; tools and rail, fetched when needed.

import { el, icon, iconButton, listen } from "../lib/dom.js";
import { firstName, partOfDay } from "../lib/words.js";
import { prefs } from "../models/kept.js";
import { refused, said } from "./fault.js";

/** How an answer ended, in words for those who listen. */
const ENDS = { stopped: "stopped", interrupted: "interrupted", truncated: "truncated" };

/** Gives the function that listens to a conversation as long as it is the room's. */
export function createListener(ctx) {
  const { t, drafts } = ctx;
  const listeners = {
    info: (_, room) => room.refresh(),
    turns(_, room) {
      room.refresh();
      room.rail.update(room.model.path());
    },
    turn({ id, isEnd }, room) {
      room.refresh();
      const turn = room.model.tree.turns.get(id);
      if (!isEnd || !turn) return;
      if (turn.status === "failed") ctx.alert(said({ code: turn.error_code, message: turn.error }, t).sentence);
      else ctx.speak(t(ENDS[turn.status] ?? "answerComplete"));
      ctx.knowUser();
    },
    placed({ isNew }, room) {
      if (!isNew) return;
      ctx.currentConversation = room.model.id;
      ctx.replace(`/chat/${room.model.id}`);
      room.composer.open(room.model.id, drafts.open(room.model.id));
    },
    refused({ fault, kind, text, turn }, room) {
      const { model, composer, actions } = room;
      if (kind === "message") composer.open(model.id, drafts.back(model.id));
      if (model.path().length === 0) room.show();
      room.refresh();
      if (kind === "edit") actions.edit(turn, text);
      if (fault.code === "given_up" || fault.status === 401) return;
      refused(fault, ctx, composer, kind === "retry" ? () => actions.retry(turn) : null);
    },
  };

  return (model, room) => {
    // Also of a conversation that was left meanwhile.
    model.addEventListener("placed", ({ detail: { isNew, kind } }) => {
      if (kind !== "message") return;
      drafts.placed(isNew ? null : model.id, model.id);
      if (isNew) room.composer.placed(model.id);
    });
    for (const [name, listener] of Object.entries(listeners)) {
      model.addEventListener(name, ({ detail }) => model === room.model && listener(detail ?? {}, room));
    }
  };
}

/**
 * Files beside the text of the box: chosen, pasted, or dropped anywhere in the room. What shows and sends them is fetched
 * with the first one. `changed` is called when there are others.
 */
export function lazyTray(main, field, ctx, changed) {
  const word = ctx.t("addFiles");
  const { drafts } = ctx;
  let [tray, kept, at, isGone] = [null, [], null, false];
  const told = (conversation, files) => {
    drafts.write(conversation, { files });
    changed();
  };
  const using = (run) => ctx.using("attach", ({ mountTray }) => {
    if (isGone) return;
    if (!tray) {
      tray = mountTray(field, ctx, told);
      tray.open(at, kept);
    }
    run?.();
  });
  const add = (files) => files.length > 0 && using(() => tray.add(files));
  const choose = () => {
    add([...input.files]);
    input.value = "";
  };
  const input = el("input", { type: "file", multiple: true, hidden: true, "aria-label": word, change: choose });
  const drag = (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    field.form.classList.toggle("drop", event.type === "dragover");
    if (event.type === "drop") add([...event.dataTransfer.files]);
  };
  const deaf = listen(main, {
    dragover: drag,
    drop: drag,
    dragleave: (event) => !main.contains(event.relatedTarget) && field.form.classList.remove("drop"),
    paste(event) {
      const { files, types } = event.clipboardData;
      // A table out of an office program comes as words and as a picture of them: the words are meant.
      if (event.target !== field || files.length === 0 || types.includes("text/plain") && types.includes("text/html")) return;
      event.preventDefault();
      add([...files]);
    },
  });
  return {
    button: el("span.add", null, iconButton("image", word, () => input.click()), input),
    get files() {
      return tray?.files ?? kept;
    },
    get obstacle() {
      return tray?.obstacle ?? null;
    },
    open(conversation, files) {
      [at, kept] = [conversation, files];
      if (tray) tray.open(at, files);
      else if (files.length > 0) using();
    },
    placed: (conversation) => tray?.placed(conversation),
    destroy() {
      isGone = true;
      deaf();
      tray?.destroy();
    },
  };
}

const STARTERS = ["explain", "rewrite", "plan", "check"];

/** An empty chat: a greeting, what is missing if something is, and four ways to begin. */
export function createEmpty(ctx, { fill }) {
  const { t, session: { user } } = ctx;
  const isUnable = user.caps.paid_by === null;
  const isAdmin = user.role === "admin";
  const name = firstName(user.name);
  const title = isUnable && isAdmin ? [t("welcome", { name }), t("oneThingMissing")] : [t(partOfDay(new Date().getHours()), { name }), t("whatShallWe")];
  const starters = STARTERS.map((key) => {
    const [verb, rest] = [t(`${key}Verb`), t(`${key}Rest`)];
    const text = t("starter", { verb, rest });
    return el("li", null, el("button", { type: "button", click: () => fill(text, text.length - rest.length) }, el("b", null, verb), el("span", null, rest), icon("right", "icon small")));
  });
  const alone = isAdmin && !isUnable && prefs.get("isAlone") && el("p.empty-note.alone");
  if (alone) ctx.using("invite_line", ({ fillInviteLine }) => fillInviteLine(alone, ctx));
  return el("div.empty", null, el("h1", null, title[0], el("br"), title[1]), isUnable ? missing(ctx, isAdmin) : sharedLine(ctx), el("ul.starters", null, ...starters), alone);
}

/** Nobody's key is there: without one there are no answers. */
function missing({ t, address }, isAdmin) {
  const shared = isAdmin && el("a.button", { href: address("/admin#settings") }, t("setSharedKey"));
  return el("div.notice", null, icon("key"), el("p", null, t(isAdmin ? "noKeyAdmin" : "noKey")), el("a.button.primary", { href: address("/settings#keys") }, t("addMyKey")), shared);
}

/** What of the shared key one may use. */
function sharedLine({ t, session }) {
  const { paid_by: payer, month, day } = session.user.caps;
  const [cap, key] = month ? [month, "sharedMonth"] : [day, "sharedDay"];
  return payer === "shared" && cap && el("p.empty-note", null, t(key, { n: cap.limit }));
}

/** The way to the newest line, while that is out of sight; with a caret in it while it is being written. */
export function createLatest({ t }, { scroll }) {
  const button = el("button.latest", { type: "button", hidden: true, click: () => scroll.toEnd(!button.classList.contains("writing")) }, icon("latest", "icon small"), el("span.caret", { "aria-hidden": "true" }), t("latest"));
  scroll.addEventListener("end", () => {
    button.hidden = scroll.isAtEnd;
  });
  return button;
}

/** What the tools of a turn do is fetched when one is used. */
export function lazyActions(ctx, room) {
  let made = null;
  const call = (name) => (...about) => ctx.using("turn_actions", ({ createTurnActions }) => {
    made ??= createTurnActions(ctx, room);
    return made[name](...about);
  });
  return Object.fromEntries(["copy", "retry", "goOn", "edit", "remove", "select"].map((name) => [name, call(name)]));
}

/** The rail is fetched when there are questions enough for one. */
export function lazyRail(main, ctx, { scroll, ...how }) {
  let [rail, isWanted, looking] = [null, false, 0];
  scroll.addEventListener("move", () => {
    looking ||= requestAnimationFrame(() => {
      looking = 0;
      rail?.look();
    });
  });
  return {
    async update(path) {
      this.path = path;
      if (!rail && path.length < 3) return;
      if (!rail && !isWanted) {
        isWanted = true;
        await ctx.using("rail", ({ mountRail }) => {
          rail = mountRail(main, ctx, how);
          rail.update(this.path);
        });
        return;
      }
      rail?.update(path);
    },
    destroy: () => rail?.destroy(),
  };
}
