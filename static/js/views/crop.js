// A square is cut out of a picture before it is sent: drag it, move it with the arrow keys, zoom.

import { button, el, say } from "../lib/dom.js";
import { cover, moved, zoomed } from "../lib/square.js";
import { openDialog } from "./dialog.js";

/** Its words are not in the table that is always read. */
export const needsMoreWords = true;

const STAGE = 576;
const RESULT = 512;
const LARGEST = 10 << 20;

/** Gives the square as a PNG, or null when the person thinks better of it. */
export function cropPicture(ctx, file) {
  const { t } = ctx;
  return new Promise((resolve) => {
    let result = null;
    const fault = el("p.fault", { role: "alert", hidden: true });
    const canvas = el("canvas", { width: STAGE, height: STAGE });
    const stage = el("div.crop", { tabindex: 0, role: "group", "aria-label": t("yourPicture"), "aria-describedby": "crop-help" }, canvas, el("div.frame"));
    const zoom = el("input", { id: "zoom", type: "range", min: 1, max: 4, step: 0.01, "aria-label": t("zoom") });
    zoom.value = 1;
    const use = button(t("useThis"), async () => {
      result = await cut(picture, view);
      dialog.close();
    }, "primary", { disabled: true });
    const body = [stage, fault, el("p.help", { id: "crop-help" }, t("cropHelp")), el("div.field", null, el("label", { for: "zoom" }, t("zoom")), zoom)];
    const dialog = openDialog(ctx, t("yourPicture"), { kind: "small", body, foot: [button(t("cancel"), () => dialog.close()), use], onClose: () => resolve(result) });
    let [picture, view] = [null, null];

    const refuse = (sentence) => {
      say(fault, sentence);
      fault.hidden = false;
      stage.hidden = true;
    };
    const draw = () => {
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, STAGE, STAGE);
      context.drawImage(picture, view.x, view.y, view.size, view.size, 0, 0, STAGE, STAGE);
    };
    const move = (dx, dy) => {
      if (!view) return;
      view = moved(view, picture, dx, dy);
      draw();
    };
    const scale = () => {
      if (!view) return;
      view = zoomed(view, picture, Number(zoom.value));
      draw();
    };
    zoom.addEventListener("input", scale);
    stage.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 10 : 1;
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
      if (!(event.key in moves) || !view) return;
      event.preventDefault();
      const unit = view.size / stage.clientWidth;
      move(-moves[event.key][0] * unit, -moves[event.key][1] * unit);
    });
    watchFingers(stage, (dx, dy) => view && move((-dx * view.size) / stage.clientWidth, (-dy * view.size) / stage.clientWidth), (factor) => {
      zoom.value = Number(zoom.value) * factor;
      scale();
    });

    if (file.size > LARGEST) return refuse(t("pictureTooLarge"));
    load(file).then((loaded) => {
      picture = loaded;
      view = cover(picture);
      use.disabled = false;
      draw();
      stage.focus();
    }).catch(() => refuse(t("notAPicture")));
  });
}

async function load(file) {
  const url = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    return image;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** The square as a file. */
function cut(picture, view) {
  const canvas = el("canvas", { width: RESULT, height: RESULT });
  canvas.getContext("2d").drawImage(picture, view.x, view.y, view.size, view.size, 0, 0, RESULT, RESULT);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** One finger or the mouse moves, two fingers zoom. */
function watchFingers(stage, move, pinch) {
  const fingers = new Map();
  const spread = () => {
    const [a, b] = [...fingers.values()];
    return Math.hypot(a.x - b.x, a.y - b.y);
  };
  stage.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const before = fingers.size === 2 ? spread() : 0;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.size === 2) pinch(spread() / before);
    else move(event.clientX - last.x, event.clientY - last.y);
  });
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (event) => fingers.delete(event.pointerId));
}
