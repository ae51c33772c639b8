// The page beside the door: two inks, the last line being written.

const LINES = [
  ["ask", 92, 214], ["line", 134, 430], ["line", 163, 476], ["line", 192, 404], ["line", 221, 452], ["line", 250, 236],
  ["ask", 323, 330], ["line", 365, 468], ["line", 394, 424], ["line", 423, 150],
  ["ask", 496, 158], ["line", 538, 440], ["line", 567, 476], ["line", 596, 392], ["line", 625, 460], ["line", 654, 428], ["line", 683, 204],
  ["ask", 756, 268], ["line", 798, 452], ["line", 827, 310],
];

/** The drawing, made by `drawn(name, attributes, …children)`. */
export function drawArt(drawn) {
  const strokes = LINES.flatMap(([kind, y, width]) => {
    if (kind === "line") return [drawn("path", { class: "art-line", "stroke-width": 8, d: `M120 ${y}h${width}` })];
    return [
      drawn("path", { class: "art-stroke", "stroke-width": 4, d: `M92 ${y - 9}v18` }),
      drawn("path", { class: "art-ink", "stroke-width": 9, d: `M120 ${y}h${width}` }),
    ];
  });
  const caret = drawn("path", { class: "art-stroke", "stroke-width": 4, d: "M452 818v18" });
  return drawn("svg", { viewBox: "0 0 688 900", preserveAspectRatio: "xMidYMid slice" }, ...strokes, caret);
}
