import assert from "node:assert/strict";
import { test } from "node:test";
import { scaleOf, shape } from "../../../static/js/lib/chart.js";
import { isComposing, isEnter, sends } from "../../../static/js/lib/dom.js";
import { chord, isField } from "../../../static/js/views/keyboard.js";
import { cover, moved, zoomed } from "../../../static/js/lib/square.js";

const key = (name, more = {}) => ({ key: name, code: "", keyCode: 0, isComposing: false, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...more });

test("C18: a key that belongs to a composition is no key, in either browser's way", () => {
  assert.equal(isComposing(key("Enter", { keyCode: 229 })), true);
  assert.equal(isComposing(key("Enter", { isComposing: true, keyCode: 13 })), true);
  assert.equal(isEnter(key("Enter", { keyCode: 13 })), true);
  assert.equal(isEnter(key("Enter", { keyCode: 229 })), false);
});

test("what sends a message", () => {
  for (const [event, enter, ctrl] of [
    [key("Enter"), true, false], [key("Enter", { shiftKey: true }), false, false], [key("Enter", { ctrlKey: true }), true, true],
    [key("Enter", { metaKey: true }), true, true], [key("Enter", { altKey: true }), false, false], [key("Enter", { keyCode: 229 }), false, false], [key("a"), false, false],
  ]) assert.deepEqual([sends(event, "enter"), sends(event, "ctrl")], [enter, ctrl], JSON.stringify(event));
});

test("chords have one name on every keyboard", () => {
  assert.equal(chord(key("K", { ctrlKey: true })), "mod+k");
  assert.equal(chord(key("O", { metaKey: true, shiftKey: true })), "mod+shift+o");
  assert.equal(chord(key("?", { shiftKey: true })), "?");
  assert.equal(chord(key("ArrowUp", { altKey: true })), "alt+arrowup");
  // On a Mac the Option key makes another character of it.
  assert.equal(chord(key("ç", { altKey: true, code: "KeyC" })), "alt+c");
  assert.equal(isField({ tagName: "TEXTAREA" }) && !isField({ tagName: "BUTTON" }), true);
});

test("the scale of a chart has round numbers and room for the highest bar", () => {
  for (const most of [1, 7, 42, 99, 100, 101, 999, 25_840, 1_234_567]) {
    const { top, ticks } = scaleOf(most);
    assert.ok(top >= most && top < most * 2 + 4, `${most}: ${top}`);
    assert.ok(ticks.length >= 2 && ticks.length <= 5 && ticks.at(-1) === top && ticks[0] === 0, `${most}: ${ticks}`);
  }
  assert.deepEqual(scaleOf(25_840).ticks, [0, 10_000, 20_000, 30_000]);
});

test("bars stand inside and apart", () => {
  for (const count of [1, 7, 30, 90, 365]) {
    const places = shape(count, 600);
    assert.equal(places.length, count);
    places.forEach((place, at) => assert.ok(place.x >= 0 && place.x + place.width <= 600 && (at === 0 || places[at - 1].x + places[at - 1].width <= place.x)));
  }
});

test("a square never looks outside its picture", () => {
  for (const picture of [{ width: 600, height: 400 }, { width: 10, height: 900 }, { width: 1, height: 1 }]) {
    let view = cover(picture);
    for (const [dx, dy, factor] of [[1e4, 0, 1], [-1e4, 1e4, 2], [3, -1e4, 4], [0, 0, 1]]) {
      view = zoomed(moved(view, picture, dx, dy), picture, factor);
      assert.ok(view.x >= 0 && view.y >= 0 && view.x + view.size <= picture.width + 1e-9 && view.y + view.size <= picture.height + 1e-9, JSON.stringify(view));
    }
  }
});
