// The house's rules for the page, read from its files.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, resolve } from "node:path";
import { test } from "node:test";
import enFirst from "../../../static/js/i18n/en.js";
import enMore from "../../../static/js/i18n/en-more.js";
import zhFirst from "../../../static/js/i18n/zh-CN.js";
import zhMore from "../../../static/js/i18n/zh-CN-more.js";

const [en, zh] = [{ ...enFirst, ...enMore }, { ...zhFirst, ...zhMore }];
const root = resolve(import.meta.dirname, "../../../static");
const files = readdirSync(root, { recursive: true }).map((file) => file.replaceAll("\\", "/"));
const text = (file) => readFileSync(join(root, file), "utf8");
const scripts = files.filter((file) => file.endsWith(".js"));
const modules = scripts.filter((file) => file.startsWith("js/"));
const styles = files.filter((file) => file.endsWith(".css"));
const withoutComments = (source) => source.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|\s)\/\/.*$/gm, "$1");

test("markup is taken in one place only, and nothing runs text", () => {
  for (const file of scripts) {
    const source = withoutComments(text(file));
    if (file !== "js/lib/trusted.js") assert.doesNotMatch(source, /innerHTML|outerHTML|insertAdjacentHTML|DOMParser|createContextualFragment|document\.write|srcdoc/, file);
    assert.doesNotMatch(source, /\beval\(|new Function|setTimeout\("|javascript:/, file);
  }
  assert.equal(withoutComments(text("js/lib/trusted.js")).match(/innerHTML/g).length, 1);
});

test("the document has one script and no style or listener of its own, and names no other host", () => {
  const document = text("index.html").replace("<script>{boot}</script>", "");
  assert.doesNotMatch(document, /<script(?![^>]*src=)|<style|\sstyle=|\son\w+=/);
  assert.doesNotMatch(text("boot.js"), /<\/script|<!--|\r/, "it stands in the document as it is");
  for (const file of files.filter((each) => /\.(js|css|html|svg|webmanifest)$/.test(each))) {
    const hosts = [...text(file).matchAll(/https?:\/\/[^"'\s)]+/g)].map(([url]) => url).filter((url) => !url.startsWith("http://www.w3.org/"));
    assert.deepEqual(hosts, [], file);
  }
});

test("files have 30 to 200 lines or fewer; tables of words may be longer", () => {
  for (const file of [...scripts, ...styles].filter((each) => !each.startsWith("js/i18n/"))) {
    const lines = text(file).split("\n").length - 1;
    assert.ok(lines <= 200, `${file} has ${lines} lines`);
  }
});

test("every import and every file that is named exists, and every import is used", () => {
  for (const file of modules) {
    const source = text(file);
    for (const [, names, from] of source.matchAll(/^import (?:\{ ([^}]+) \}|\w+) from "([^"]+)";/gm)) {
      const target = normalize(join(dirname(file), from)).replaceAll("\\", "/");
      assert.ok(files.includes(target), `${file} imports ${target}`);
      for (const each of names?.split(", ") ?? []) {
        const [name, alias = name] = each.split(" as ");
        assert.match(text(target), new RegExp(`^export (async )?(function|class|const) ${name}\\b`, "m"), `${file}: ${name} of ${target}`);
        assert.match(source.replaceAll(/^import .*$/gm, ""), new RegExp(`\\b${alias}\\b`), `${file} does not use ${name}`);
      }
    }
    for (const [, part] of source.matchAll(/ctx\.(?:load|using)\("([^"]+)"\)/g)) assert.ok(files.includes(`js/views/${part}.js`), `${file} loads ${part}`);
  }
});

test("arrows point downward: lib knows nobody, models know lib, views know both", () => {
  const allowed = { lib: ["lib"], models: ["lib", "models"], views: ["lib", "models", "views"], i18n: [] };
  for (const file of modules) {
    const floor = file.split("/")[1];
    if (!(floor in allowed)) continue;
    for (const [, from] of text(file).matchAll(/from "([^"]+)"/g)) {
      const other = normalize(join(dirname(file), from)).split("/")[1];
      assert.ok(allowed[floor].includes(other), `${file} imports ${from}`);
    }
  }
});

test("every sign that is shown is in the sprite, and every sign of the sprite is shown", () => {
  const sprite = new Set([...text("icons/sprite.svg").matchAll(/id="sign-([\w-]+)"/g)].map(([, name]) => name));
  const all = modules.map(text).join("\n") + text("index.html");
  const used = new Set([...all.matchAll(/(?:icon\(|iconButton\(|sign: |setSign\(\w+, |#sign-)"?([a-z]+)"?/g)].map(([, name]) => name));
  for (const name of [...all.matchAll(/"([a-z]+)"/g)].map(([, name]) => name)) if (sprite.has(name)) used.add(name);
  for (const name of sprite) assert.ok(used.has(name), `nobody shows ${name}`);
  for (const [, name] of all.matchAll(/(?:icon|iconButton)\("([a-z]+)"/g)) assert.ok(sprite.has(name), `${name} is no sign`);
  for (const [, name] of all.matchAll(/sign: "([a-z]+)"/g)) assert.ok(sprite.has(name), `${name} is no sign`);
});

const keysOf = (table) => Object.keys(table).sort();

test("both tables have the same keys, with the same gaps to fill in", () => {
  assert.deepEqual(keysOf(enFirst), keysOf(zhFirst));
  assert.deepEqual(keysOf(enMore), keysOf(zhMore));
  for (const key of keysOf(enMore)) assert.ok(!(key in enFirst), `${key} is in both tables`);
  const strings = (entry) => (typeof entry === "string" ? [entry] : Object.values(entry));
  const gaps = (entry) => [...new Set(strings(entry).flatMap((each) => each.match(/\{\w+\}/g) ?? []))].sort();
  for (const key of keysOf(en)) {
    assert.deepEqual(gaps(en[key]), gaps(zh[key]), key);
    for (const each of [...strings(en[key]), ...strings(zh[key])]) assert.ok(each.trim() !== "" && !/!|！|Oops/.test(each), `${key}: ${each}`);
    if (typeof en[key] !== "string") assert.ok(en[key].other && en[key].one, `${key} has both numbers`);
  }
});

test("every word that is shown is in the tables, and every word of the tables is shown", () => {
  const source = modules.filter((file) => !file.includes("i18n")).map(text).join("\n");
  for (const [, key] of source.matchAll(/\bt\("(\w+)"/g)) assert.ok(key in en, `${key} is in no table`);
  for (const key of keysOf(en)) {
    const isBuilt = /^(fault|effort)_|^(registration_(open|invite|closed)|import_(imported|updated|skipped|failed))$|(Verb|Rest)$|\.$/.test(key);
    assert.ok(isBuilt || new RegExp(`["'\`]${key}["'\`]`).test(source) || new RegExp(`\\b${key}: "`).test(source), `nobody says ${key}`);
  }
});

test("a part with words of the second table says that it needs them", () => {
  const views = modules.filter((file) => file.startsWith("js/views/"));
  const importsOf = (file) => [...text(file).matchAll(/^import .* from "(.+)";/gm)].map(([, from]) => normalize(join(dirname(file), from)).replaceAll("\\", "/"));
  const reach = (file, seen = new Set()) => {
    if (!seen.has(file)) importsOf(seen.add(file) && file).forEach((each) => reach(each, seen));
    return seen;
  };
  const wordsOf = (file) => [...text(file).matchAll(/\bt\(([^(){},]+)/g)].flatMap(([, inside]) => [...inside.matchAll(/(?<!=== )"(\w+)"/g)].map(([, key]) => key));
  const needs = (file) => [...reach(file)].filter((each) => wordsOf(each).some((key) => key in enMore));
  const shared = new Set([...views, "js/app.js"].flatMap(importsOf));
  const fetched = new Set(modules.flatMap((file) => [...text(file).matchAll(/(?:load|using)\("(\w+)"/g)].map(([, part]) => `js/views/${part}.js`)));
  const quiet = views.filter((file) => (fetched.has(file) || !shared.has(file)) && !/^export const needsMoreWords = true;$/m.test(text(file)));
  assert.ok(quiet.length < views.length);
  assert.deepEqual(quiet.flatMap((file) => needs(file).map((each) => `${file}: ${each} ${wordsOf(each).filter((key) => key in enMore)}`)), []);
  assert.deepEqual(["js/app.js", "js/views/door.js", "js/views/shell.js", "js/views/chat.js", "js/views/keyboard.js"].flatMap(needs), [], "what is always read does without");
});

test("no words for people stand outside the tables", () => {
  const allowed = new Set(["English", "简体中文", "Markdown", "JSON", "Enter", "Ctrl Enter", "Esc", "Ctrl", "Alt", "gpt-assistant", "Open WebUI", "AbortError", "ContextMenu"]);
  for (const file of modules.filter((each) => each.includes("/views/") || each === "js/app.js" || each === "js/context.js")) {
    const source = withoutComments(text(file)).replaceAll(/^import .*$/gm, "").replaceAll(/\$\{[^}]*\}/g, "");
    for (const [, , words] of source.matchAll(/(["'`])((?:(?!\1)[^\\\n]|\\.)*)\1/g)) {
      const isSentence = !/^M\d/.test(words) && (/^[A-Z\u4e00-\u9fff][\w\u4e00-\u9fff’' ,.-]*[a-z\u4e00-\u9fff.]$/.test(words) && !/^(Arrow|Page|Key)?[A-Z][a-z]+$/.test(words) || /^[A-Z][a-z]+ [a-z]/.test(words));
      assert.ok(!isSentence || allowed.has(words), `${file}: ${words}`);
    }
  }
});

test("styles name meanings: raw colours stay in tokens.css, sides are logical, !important has its reason", () => {
  const raw = /var\(--(paper|soot|night|mist|cobalt|cinnabar|amber|jade|mark|plum|teal)-/;
  for (const file of styles.filter((each) => !each.endsWith("tokens.css"))) {
    const source = text(file);
    assert.doesNotMatch(source, raw, file);
    assert.doesNotMatch(withoutComments(source), /oklch\(|#[0-9a-f]{3,8}\b(?!-)|rgba?\(/i, file);
    assert.doesNotMatch(withoutComments(source), /\b(margin|padding|border|(?<!area-)inset)-(left|right|top|bottom)\b|(?<![-\w])(left|right|width|height):(?!.*\()/, file);
    const important = source.split("\n").findIndex((line) => line.includes("!important"));
    if (important >= 0) assert.match(source.split("\n")[important - 1], /\/\*|\*\//, file);
    assert.match(source, /^(\/\*[\s\S]*?\*\/\n)(@layer|@import)/, `${file} is in a layer`);
  }
  const known = styles.map(text).join("\n");
  for (const file of styles) for (const [, name] of text(file).matchAll(/var\((--[\w-]+)\)/g)) assert.ok(known.includes(`${name}:`), `${file}: ${name}`);
});

test("every part of the style is imported once, and classes that script sets are known to style", () => {
  const page = text("css/page.css");
  for (const file of styles.filter((each) => each !== "css/page.css")) assert.equal(page.split(`"${file.slice(4)}"`).length, 2, file);
});
