// Contrast of every pair of text and ground that may meet, computed from the tokens (WCAG 2), in both themes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";

const source = readFileSync(resolve(import.meta.dirname, "../../../static/css/tokens.css"), "utf8");
const values = new Map([...source.matchAll(/^\s+(--[\w-]+): ([^;]+);/gm)].map(([, name, value]) => [name, value]).reverse());

/** Colour of a token in a theme: 0 light, 1 dark. */
function colour(name, theme) {
  const value = values.get(name);
  assert.ok(value, name);
  const pair = /^light-dark\(var\((--[\w-]+)\), var\((--[\w-]+)\)\)$/.exec(value);
  if (pair) return colour(pair[theme + 1], theme);
  const parts = /^oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)$/.exec(value);
  assert.ok(parts, `${name}: ${value}`);
  return linear(...parts.slice(1).map(Number));
}

/** OKLCH to linear sRGB, as CSS Color 4 has it. */
function linear(lightness, chroma, hue) {
  const [a, b] = [chroma * Math.cos((hue * Math.PI) / 180), chroma * Math.sin((hue * Math.PI) / 180)];
  const [l, m, s] = [lightness + 0.3963377774 * a + 0.2158037573 * b, lightness - 0.1055613458 * a - 0.0638541728 * b, lightness - 0.0894841775 * a - 1.291485548 * b].map((each) => each ** 3);
  const rgb = [4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s, -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s, -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s];
  return rgb.map((each) => Math.min(1, Math.max(0, each)));
}

const luminance = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
function contrast(one, other, theme) {
  const [high, low] = [luminance(colour(one, theme)), luminance(colour(other, theme))].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

const PAIRS = {
  text: [4.5, "page sunken raised overlay hover selected mark ink-wash danger-wash caution-wash ok-wash code-bg knob"],
  "text-muted": [4.5, "page sunken raised overlay hover selected ink-wash danger-wash caution-wash ok-wash code-bg"],
  "text-faint": [4.5, "page sunken raised overlay hover selected code-bg"],
  ink: [4.5, "page sunken raised overlay hover selected ink-wash danger-wash caution-wash ok-wash"],
  "on-ink": [4.5, "ink-fill ink-fill-hover"],
  "on-danger": [4.5, "danger-fill"],
  danger: [4.5, "page sunken raised overlay danger-wash hover selected"],
  caution: [4.5, "page raised caution-wash"],
  ok: [4.5, "page raised ok-wash"],
  "on-toast": [4.5, "toast"],
  "toast-ink": [4.5, "toast"],
  "code-key": [4.5, "code-bg"], "code-str": [4.5, "code-bg"], "code-num": [4.5, "code-bg"], "code-fn": [4.5, "code-bg"],
  "code-type": [4.5, "code-bg"], "code-note": [4.5, "code-bg"], "code-add": [4.5, "code-bg"], "code-del": [4.5, "code-bg"],
  control: [3, "page raised sunken overlay"],
  focus: [3, "page sunken raised overlay"],
  "ink-fill": [3, "page raised sunken overlay selected"],
  "bar-prompt": [3, "page raised"],
  "bar-reply": [3, "page raised"],
};

for (const [theme, name] of ["light", "dark"].entries()) {
  test(`every pair has its contrast (${name})`, () => {
    const low = [];
    for (const [front, [least, grounds]] of Object.entries(PAIRS)) {
      for (const ground of grounds.split(" ")) {
        const found = contrast(`--${front}`, `--${ground}`, theme);
        if (found < least) low.push(`${front} on ${ground}: ${found.toFixed(2)} < ${least}`);
      }
    }
    assert.deepEqual(low, []);
  });
}
