// Pictures that a person adds to a message are made small before they go out.

/** Longest side that a model looks at, in pixels; the server makes larger ones smaller. */
const SIDE = 2048;
/** A picture of that many bytes is worth being written anew. */
const HEAVY = 1 << 20;
/** A PNG that is larger than that is a photograph. */
const LARGEST_PNG = 3 << 20;
const QUALITY = 0.88;

/** True for what a browser shows as a picture. A drawing in SVG is text. */
export const isPicture = (file) => file.type.startsWith("image/") && file.type !== "image/svg+xml";

/** The size `{width, height}` that fits. */
export function fitted({ width, height }, side = SIDE) {
  const scale = Math.min(1, side / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** The picture as it is sent: no larger than a model looks at. Rejects what cannot be shown. */
export async function small(file) {
  const bitmap = await createImageBitmap(file);
  try {
    const { width, height } = fitted(bitmap);
    if (width === bitmap.width && file.size <= HEAVY) return file;
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    const blobOf = (type) => new Promise((resolve) => canvas.toBlob(resolve, type, QUALITY));
    context.drawImage(bitmap, 0, 0, width, height);
    const png = file.type === "image/jpeg" ? null : await blobOf("image/png");
    if (png && png.size <= LARGEST_PNG) return png;
    // What is clear becomes white, as on paper.
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = "white";
    context.fillRect(0, 0, width, height);
    return await blobOf("image/jpeg");
  } finally {
    bitmap.close();
  }
}
