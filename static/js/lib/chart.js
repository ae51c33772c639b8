// Numbers of a chart: a scale of round numbers, and where the bars stand.

/** The least round number that is not below `most`, and the marks up to it. */
export function scaleOf(most, marks = 3) {
  const rough = Math.max(1, most) / marks;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= rough));
  const top = Math.ceil(Math.max(1, most) / step) * step;
  return { top, ticks: Array.from({ length: Math.round(top / step) + 1 }, (_, at) => at * step) };
}

/** Places of so many bars in a width: never wider than a hand would draw them. */
export function shape(count, width) {
  const slot = width / count;
  const bar = Math.min(28, Math.max(1, slot * 0.66));
  return Array.from({ length: count }, (_, at) => ({ x: at * slot + (slot - bar) / 2, width: bar }));
}
