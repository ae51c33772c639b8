// Makes the PNG icons from icon.svg: `node tests/web/icons.js`. They are kept in the repository.

import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { startBrowser } from "./support/browser.js";

const folder = resolve(import.meta.dirname, "../../static/icons");
const svg = await readFile(`${folder}/icon.svg`, "utf8");
// A mask may cut a circle out of it: the ground fills the square and the sign stays inside.
const maskable = svg.replace(/rx="\d+"/, "").replace("<g ", '<g transform="translate(51 51) scale(0.8)" ');
const wanted = [["icon-180.png", 180, svg.replace(/rx="\d+"/, "")], ["icon-192.png", 192, svg], ["icon-512.png", 512, svg], ["icon-maskable-512.png", 512, maskable]];

const { browser, stop } = await startBrowser();
const page = await browser.newPage();
for (const [name, size, source] of wanted) {
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(`<body style="margin:0">${source.replace("<svg ", `<svg width="${size}" height="${size}" style="display:block" `)}`);
  await writeFile(`${folder}/${name}`, await page.screenshot({ omitBackground: true }));
}
await stop();
