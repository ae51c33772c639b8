// The files of a message: pictures small, and large when they are opened; texts as chips that can be kept.

import { size } from "../lib/ago.js";
import { button, el, icon, saveAs } from "../lib/dom.js";
import { isPassing } from "../models/line.js";
import { Pictures } from "../models/pictures.js";
import { openDialog } from "./dialog.js";
import { sentenceOf } from "./fault.js";

/** Pictures of this person. */
export const pictures = (ctx) => (ctx.pictures ??= new Pictures(ctx));

/** So near to being seen a picture is fetched. */
const AHEAD = "600px";
/** So long it waits before it asks again for a picture, in milliseconds. */
const [FIRST_REST, LONGEST_REST] = [300, 30_000];

/** An element for each file of a message. */
export function createAttached(ctx, files) {
  return files.map((file) => (file.kind === "image" ? createThumbnail(ctx, file) : createChip(ctx, file)));
}

function createThumbnail(ctx, file) {
  const { t } = ctx;
  const image = el("img", { alt: "" });
  const element = el("button.thumbnail", { type: "button", title: file.name, "aria-label": t("openPicture", { name: file.name }), click: () => openPicture(ctx, file) }, image);
  const near = new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting) return;
    near.disconnect();
    fill(image, ctx, file);
  }, { rootMargin: AHEAD });
  near.observe(element);
  return element;
}

/** Shows a picture, or says in its place why it cannot be had. What passes is waited for. */
export async function fill(image, ctx, file) {
  const all = pictures(ctx);
  for (let rest = FIRST_REST; all === ctx.pictures; rest = Math.min(rest * 2, LONGEST_REST)) {
    try {
      image.src = await all.url(file);
      return;
    } catch (fault) {
      if (fault.status === 401) return;
      if (!isPassing(fault)) return image.replaceWith(el("span.gone", null, fault.status === 404 ? ctx.t("fileGone") : sentenceOf(fault, ctx.t)));
    }
    await ctx.line.whenUp();
    await new Promise((resolve) => setTimeout(resolve, rest));
  }
}

function openPicture(ctx, file) {
  const { t } = ctx;
  const image = el("img", { alt: file.name, width: file.width, height: file.height });
  openDialog(ctx, file.name, { kind: "picture", body: [image], foot: [button(t("download"), () => keep(ctx, file))] });
  fill(image, ctx, file);
}

function createChip(ctx, file) {
  const { t } = ctx;
  const about = el("span.faint", null, size(file.bytes, t.locale));
  return el("button.chip", { type: "button", title: t("download"), click: () => keep(ctx, file) }, icon("file", "icon small"), el("bdi", null, file.name), about);
}

/** Gives the browser the file to keep. */
async function keep(ctx, file) {
  try {
    saveAs(await (await ctx.api.ask(`/files/${file.id}`)).blob(), file.name);
  } catch (fault) {
    ctx.fail(fault);
  }
}
