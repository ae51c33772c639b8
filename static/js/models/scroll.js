// Where the reader is in a conversation. The page follows a growing answer only as far as the reader wants it to:
// `hold` follows until the question stands near the top edge, `end` follows to the very end, `free` stays where it is.

import { isStill } from "../lib/dom.js";

/** So near to the end counts as there. */
const NEAR = 80;
/** So far below the top edge the question is held. */
export const HOLD = 80;
/** How long a smooth scroll takes at most. */
const GLIDE = 700;
/** For so many frames it is looked whether a turn still stands where it was put. */
const FRAMES = 12;
/** How long after a wheel, finger or key a scroll is still the reader's. */
const LASTING = 400;

export class Scroll extends EventTarget {
  mode = "free";
  #scroller;
  #question = null;
  #top = 0;
  #touched = 0;
  #wasAtEnd = true;
  #gliding;
  #over = new AbortController();

  constructor(scroller) {
    super();
    this.#scroller = scroller;
    const { signal } = this.#over;
    const options = { passive: true, signal };
    scroller.addEventListener("scroll", () => this.#scrolled(), options);
    scroller.addEventListener("wheel", (event) => this.#touch(event.deltaY < 0), options);
    scroller.addEventListener("touchmove", () => this.#touch(false), options);
    scroller.addEventListener("keydown", ({ key }) => {
      if (["ArrowUp", "PageUp", "Home"].includes(key)) this.#touch(true);
      else if (["ArrowDown", "PageDown", "End", " "].includes(key)) this.#touch(false);
    }, options);
    // The scroll bar is the scroller's own: nothing in it was hit.
    scroller.addEventListener("pointerdown", (event) => event.target === scroller && this.#touch(true), options);
    const sizes = new ResizeObserver(() => this.grow());
    sizes.observe(scroller);
    signal.addEventListener("abort", () => sizes.disconnect());
  }

  destroy() {
    this.#over.abort();
    this.mode = "free";
  }

  get #max() {
    return this.#scroller.scrollHeight - this.#scroller.clientHeight;
  }

  get isAtEnd() {
    return this.#max - this.#scroller.scrollTop <= NEAR;
  }

  #touch(isUpward) {
    this.#touched = performance.now();
    if (isUpward) this.mode = "free";
  }

  #scrolled() {
    const { scrollTop } = this.#scroller;
    const moved = scrollTop - this.#top;
    this.#top = scrollTop;
    if (performance.now() - this.#touched < LASTING && moved !== 0) {
      // A finger that lets go, and a wheel that glides on, are still the reader's.
      this.#touched = performance.now();
      if (moved < 0) this.mode = "free";
      else if (this.isAtEnd) this.mode = "end";
    }
    this.#tell();
  }

  #tell() {
    if (this.isAtEnd !== this.#wasAtEnd) {
      this.#wasAtEnd = !this.#wasAtEnd;
      this.dispatchEvent(new Event("end"));
    }
    this.dispatchEvent(new Event("move"));
  }

  #to(top) {
    this.#scroller.scrollTop = top;
    this.#top = this.#scroller.scrollTop;
  }

  /** Follows the answer to this question. */
  follow(question) {
    this.#touched = 0;
    this.#question = question;
    this.mode = "hold";
    this.grow();
  }

  /** Something got longer. */
  grow() {
    if (this.mode === "end") this.#to(this.#max);
    else if (this.mode === "hold" && this.#question?.isConnected) {
      const top = Math.min(this.#max, this.#topOf(this.#question) - HOLD);
      if (top > this.#scroller.scrollTop) this.#to(top);
    }
    this.#tell();
  }

  #topOf(element) {
    return element.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top + this.#scroller.scrollTop;
  }

  /** To the very end, and on with it. */
  toEnd(isSmooth = false) {
    this.mode = "end";
    if (isSmooth && !isStill()) this.#scroller.scrollTo({ top: this.#max, behavior: "smooth" });
    else this.#to(this.#max);
    this.#tell();
  }

  /** Puts the top of an element so far below the top edge. */
  show(element, below = HOLD, isSmooth = false) {
    this.mode = "free";
    const top = this.#topOf(element) - below;
    // What is not there yet has its room, so that nothing moves when it comes.
    const coming = element.querySelector("[data-coming]");
    if (coming) coming.style.minBlockSize = `${this.#scroller.clientHeight - below}px`;
    if (isSmooth && !isStill()) {
      this.#scroller.scrollTo({ top, behavior: "smooth" });
      // Where nothing says that a scroll has ended, it has by then.
      clearTimeout(this.#gliding);
      this.#gliding = setTimeout(() => this.#aim(element, below, FRAMES), GLIDE);
    } else {
      this.#to(top);
      this.#aim(element, below, FRAMES);
    }
    this.#tell();
  }

  /** Turns out of sight have no height of their own yet: as they get it, what was aimed at is put right again. */
  #aim(element, below, frames) {
    const touched = this.#touched;
    requestAnimationFrame(() => {
      if (this.mode !== "free" || this.#touched !== touched || !element.isConnected) return;
      const top = this.#topOf(element) - below;
      if (Math.abs(Math.min(top, this.#max) - this.#scroller.scrollTop) > 1) this.#to(top);
      if (frames > 0) this.#aim(element, below, frames - 1);
    });
  }

  /** Makes a change after which an element stands at the same height on the screen. */
  keep(element, change, edge = "top") {
    const height = () => element.getBoundingClientRect()[edge];
    const before = height();
    // The browser's own anchoring would do the same a second time.
    this.#scroller.style.overflowAnchor = "none";
    const stands = change() ?? element;
    const moved = stands.getBoundingClientRect()[edge] - before;
    if (moved !== 0) this.#to(this.#scroller.scrollTop + moved);
    requestAnimationFrame(() => this.#scroller.style.removeProperty("overflow-anchor"));
  }

  /** The first of the elements that reaches below a line, and where its top stands: `{element, index, top}`. */
  first(elements, line = 1) {
    const edge = this.#scroller.getBoundingClientRect().top;
    let [low, high] = [0, elements.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (elements[middle].getBoundingClientRect().bottom > edge + line) high = middle;
      else low = middle + 1;
    }
    const element = elements[low];
    return element ? { element, top: element.getBoundingClientRect().top - edge, index: low } : null;
  }
}
