// Administration: people and invitations, use, settings, the server. Each part is fetched when it is opened.

import { el, set } from "../lib/dom.js";
import { fault as faultNotice } from "./fault.js";
import { createLost } from "./lost.js";
import { fillBar } from "./shell.js";

/** Its words are not in the table that is always read. */
export const needsMoreWords = true;

const PARTS = ["people", "usage", "settings", "server"];
const WORDS = { people: "people", usage: "use", settings: "settings", server: "server" };

export function mount(main, ctx) {
  const { t, session } = ctx;
  const bar = el("header.bar");
  fillBar(bar, ctx, { isPlain: true });
  if (session.user.role !== "admin") {
    main.replaceChildren(bar, el("div.page", null, createLost(ctx)));
    return { destroy: () => main.replaceChildren() };
  }
  const links = PARTS.map((id) => el("a", { href: `#${id}`, click: (event) => {
    event.preventDefault();
    ctx.replace(`/admin#${id}`);
    show(id);
  } }, t(WORDS[id])));
  const nav = el("nav.local-nav.across", { "aria-label": t("administration") }, ...links);
  let content = el("div.admin-part");
  main.replaceChildren(bar, el("div.page", null, el("div.page-inner", null, el("h1.title", null, t("administration")), nav, content)));
  document.title = `${t("administration")} · gpt-assistant`;
  let [part, order] = [null, 0];

  async function show(id) {
    const mine = ++order;
    links.forEach((link, at) => set(link, { "aria-current": PARTS[at] === id ? "true" : null }));
    part?.destroy();
    part = null;
    // What comes late for another part falls into that one's own place, which nobody sees any more.
    const holder = el("div.admin-part");
    content.replaceWith(holder);
    content = holder;
    const load = { people: "admin_people", usage: "admin_usage", settings: "admin_settings", server: "admin_server" }[id];
    await ctx.using(load, async ({ mountPart }) => {
      if (mine !== order) return;
      const made = mountPart(holder, ctx);
      part = made;
      await made.ready.catch((fault) => {
        if (mine === order && fault.status !== 401) holder.replaceChildren(faultNotice(fault, ctx, { retry: () => show(id) }));
      });
    });
  }

  show(PARTS.includes(location.hash.slice(1)) ? location.hash.slice(1) : PARTS[0]);
  return {
    destroy() {
      order++;
      part?.destroy();
      main.replaceChildren();
    },
  };
}
