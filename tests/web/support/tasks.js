// The longest task of a page's main thread, in milliseconds of its own work: what other programs take of a busy machine is
// none of the page's doing.

/** Starts to measure. Gives the function that ends it and tells the longest task. */
export async function watchTasks(browser, page) {
  await browser.startTracing(page, { categories: ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline"] });
  return async () => {
    const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
    const thread = ({ pid, tid }) => `${pid} ${tid}`;
    const mains = new Set(traceEvents.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain").map(thread));
    const tasks = traceEvents.filter((event) => event.ph === "X" && event.name.endsWith("RunTask") && mains.has(thread(event)) && event.tdur !== undefined);
    if (tasks.length === 0) throw new Error("no task was measured");
    return Math.round(tasks.reduce((longest, { tdur }) => Math.max(longest, tdur), 0) / 1000);
  };
}
