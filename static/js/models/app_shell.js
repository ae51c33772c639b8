// The page as an app: its files are kept for the next time, and a newer version on the server is noticed. It never comes
// by itself: an open page stays as it is until the person loads it anew.

import { workerAddress } from "../lib/html.js";
import { base } from "./api.js";

const { build } = document.documentElement.dataset;
/** Not more often than that is it looked for another version. */
const REST = 5 * 60_000;

export function watchVersions(ctx) {
  let looked = Date.now();
  const offer = () => ctx.offerUpdate?.();

  async function look() {
    if (document.hidden || Date.now() - looked < REST) return;
    looked = Date.now();
    const health = await ctx.api("/health", { token: null }).catch(() => null);
    if (health && health.build !== build) offer();
  }
  document.addEventListener("visibilitychange", look);
  // A server that was away may have come back as another.
  ctx.line.addEventListener("change", () => {
    if (!ctx.line.isUp) return;
    looked = 0;
    look();
  });
  register(offer);
}

/** Only a secure context has a service worker; without one everything works but opening without a network. */
async function register(offer) {
  if (!navigator.serviceWorker) return;
  try {
    const registration = await navigator.serviceWorker.register(workerAddress(), { scope: `${base}/` });
    const wait = (worker) => worker?.addEventListener("statechange", () => {
      if (worker.state === "installed" && navigator.serviceWorker.controller) offer();
    });
    if (registration.waiting && navigator.serviceWorker.controller) offer();
    wait(registration.installing);
    registration.addEventListener("updatefound", () => wait(registration.installing));
  } catch {
    // Forbidden, or no room: the page does without.
  }
}
