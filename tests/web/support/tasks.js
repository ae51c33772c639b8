// The longest task of a page's main thread, in milliseconds: by the thread's own clock, and by the clock on the wall.
//
// A task waits on the wall's clock too while another program has the processor: on a busy machine that says nothing about
// the page, and the thread's own clock (`tdur`) does. But the thread's clock stands still while the page waits for somebody
// (the disk, another of the browser's processes), which a person feels as well: so the wall's clock is judged where the
// machine was quiet, that is where a timer of this process was never late.

import assert from "node:assert/strict";

const BEAT = 10;
/** From that lateness on, in milliseconds, somebody else had the processor. */
const LATE = 25;

/**
 * Starts to measure. Gives the function that ends it and tells `{own, wall, isQuiet}` of the longest task, and of how many
 * elements the style was found out at once, at most (`styled`).
 */
export async function watchTasks(browser, page) {
  await browser.startTracing(page, { categories: ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline"] });
  let [last, latest] = [performance.now(), 0];
  const beat = setInterval(() => {
    const now = performance.now();
    latest = Math.max(latest, now - last - BEAT);
    last = now;
  }, BEAT);
  return async () => {
    clearInterval(beat);
    const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
    const thread = ({ pid, tid }) => `${pid} ${tid}`;
    const mains = new Set(traceEvents.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain").map(thread));
    const tasks = traceEvents.filter((event) => event.ph === "X" && event.name.endsWith("RunTask") && mains.has(thread(event)) && event.tdur !== undefined);
    if (tasks.length === 0) throw new Error("no task was measured");
    const longest = (clock) => Math.round(tasks.reduce((most, task) => Math.max(most, task[clock]), 0) / 1000);
    const styled = traceEvents.reduce((most, { name, args }) => (name === "UpdateLayoutTree" ? Math.max(most, args.elementCount ?? 0) : most), 0);
    return { own: longest("tdur"), wall: longest("dur"), isQuiet: latest < LATE, late: Math.round(latest), styled };
  };
}

/** The goal, in milliseconds. */
const GOAL = 100;

/**
 * Holds the longest task within twice the goal by its own clock, since where others have the processor the same work takes
 * a thread longer; and within four times by the clock on the wall, where nobody had. `TASK_MS` holds a limit itself, by
 * both clocks: for a quiet machine.
 */
export function within(t, name, { own, wall, isQuiet, late }) {
  const strict = Number(process.env.TASK_MS ?? 0);
  t.diagnostic(`${name}: longest task ${own} ms of its own, ${wall} ms on the wall's clock (a timer was late by ${late} ms)`);
  assert.ok(own <= (strict || 2 * GOAL), `${name}: ${own} ms`);
  if (isQuiet || strict) assert.ok(wall <= (strict || 4 * GOAL), `${name}: ${wall} ms on the wall's clock`);
}
