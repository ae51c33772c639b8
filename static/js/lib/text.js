// Text, its bytes and its direction.

/** Bytes that the UTF-16 text has in UTF-8. A lone surrogate counts as the mark that stands in for it. */
export function byteLength(text) {
  let bytes = 0;
  for (let at = 0; at < text.length; at++) bytes += bytesOfUnit(text, at);
  return bytes;
}

/** Where in the text its `bytes`-th byte is; never inside a character. */
export function indexOfByte(text, bytes) {
  let at = 0;
  let passed = 0;
  while (at < text.length && passed < bytes) {
    passed += bytesOfUnit(text, at);
    // The second half of a pair belongs to the first, which counts for both.
    if (isHigh(text, at) && at + 1 < text.length) passed += bytesOfUnit(text, ++at);
    at++;
  }
  return at;
}

function bytesOfUnit(text, at) {
  const unit = text.charCodeAt(at);
  if (unit < 0x80) return 1;
  if (unit < 0x800) return 2;
  // A pair has four bytes, two for each half.
  return unit >= 0xd800 && unit < 0xe000 ? 2 : 3;
}

const isHigh = (text, at) => (text.charCodeAt(at) & 0xfc00) === 0xd800;

const RTL = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const STRONG = /[\p{L}]/u;

/** The direction of the first letter, as `dir="auto"` sees it. */
export function direction(text) {
  const first = STRONG.exec(text.slice(0, 2000));
  return first && RTL.test(first[0]) ? "rtl" : "ltr";
}

const HAN = /[\u3400-\u9fff\uf900-\ufaff]/g;

/** `zh` for a text that is mostly Han, else nothing. */
export function language(text) {
  const start = text.slice(0, 2000);
  const han = start.match(HAN)?.length ?? 0;
  return han > 0 && han * 3 >= start.replace(/\s/g, "").length ? "zh" : null;
}

/** A question that reads as print rather than as a heading. */
export function isLong(question) {
  return question.length > 160 || question.split("\n").length > 3;
}

/** Long text is in pieces of about so many letters: a browser lays out each piece by itself. */
export const PIECE = 3000;
/** A line that is longer than this is no line that anybody reads: it is broken. */
const LINE = 20_000;
const GAP = /\s|[。！？；，、]/g;

/** Where a text can be parted behind `from`: after a blank or a stop, else somewhere, but not within a pair. */
export function gapAfter(text, from) {
  GAP.lastIndex = Math.max(0, from);
  const last = GAP.lastIndex + LINE - PIECE;
  const gap = GAP.exec(text) ? GAP.lastIndex : text.length;
  if (gap <= last) return gap;
  return isHigh(text, last - 1) ? last + 1 : last;
}

/** Where the first piece of a growing text ends, or 0 while there is no whole one: after a line, if lines are not too long. */
export function endOfPiece(text) {
  if (text.length <= PIECE) return 0;
  const line = text.lastIndexOf("\n", text.length - 2) + 1;
  if (line > PIECE / 2) return line;
  return text.length > LINE ? gapAfter(text, PIECE) : 0;
}

let graphemes;

/** The first line, cut between characters as a reader sees them. */
export function firstWords(text, longest = 60) {
  const line = text.trim().split(/\r?\n/, 1)[0];
  if (line.length <= longest) return line;
  graphemes ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  let end = 0;
  for (const { index, segment } of graphemes.segment(line.slice(0, longest * 4))) {
    if (index + segment.length > longest) break;
    end = index + segment.length;
  }
  return `${line.slice(0, end).trimEnd()}…`;
}

/** What a turn is called by: the first words of its question, else the name of what was shown. */
export function headOf({ prompt, attachments = [] }, longest) {
  return firstWords(prompt.trim() === "" ? attachments[0]?.name ?? "" : prompt, longest);
}

/** Ranges where any of the words stands, whatever its case. */
export function findWords(text, query) {
  const lower = text.toLowerCase();
  // Where lower case has another length the ranges would not fit.
  if (lower.length !== text.length) return [];
  const ranges = [];
  for (const word of query.toLowerCase().split(/\s+/).filter(Boolean)) {
    for (let at = lower.indexOf(word); at >= 0; at = lower.indexOf(word, at + word.length)) ranges.push([at, at + word.length]);
  }
  return ranges.sort((a, b) => a[0] - b[0]);
}

/** A name that nobody else has. Works without a secure context, where `crypto.randomUUID` does not. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
