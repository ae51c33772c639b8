// A square that looks into a picture: `{x, y, size}` in the picture's own pixels.

const within = (value, most) => Math.min(Math.max(value, 0), Math.max(0, most));

/** The largest one, in the middle. */
export function cover({ width, height }) {
  const size = Math.min(width, height);
  return { x: (width - size) / 2, y: (height - size) / 2, size };
}

/** Moved, and never outside. */
export function moved(view, { width, height }, dx, dy) {
  return { ...view, x: within(view.x + dx, width - view.size), y: within(view.y + dy, height - view.size) };
}

/** Zoomed so many times in, about its middle. */
export function zoomed(view, picture, factor) {
  const size = cover(picture).size / Math.max(1, factor);
  const shift = (view.size - size) / 2;
  return moved({ x: view.x, y: view.y, size }, picture, shift, shift);
}
