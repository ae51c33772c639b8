// The one place of the page that takes markup, and the one that names a script: the browser lets nobody else in (Trusted
// Types). Markup was rendered by the server, which escapes everything that a model or a person wrote; the one script is
// the service worker, by which the page becomes an app and notices its next version.

const { base, build } = document.documentElement.dataset;
const WORKER = `${base}/service-worker.js`;

const policy = (window.trustedTypes ?? { createPolicy: (_, rules) => rules }).createPolicy("gpt-assistant", {
  createHTML: (html) => html,
  createScriptURL: (url) => {
    if (url !== WORKER) throw new TypeError("no script but the service worker");
    return url;
  },
});

/** Elements for server-rendered HTML, one for each block. */
export function elements(html) {
  const template = document.createElement("template");
  template.innerHTML = policy.createHTML(html);
  return [...template.content.children];
}


/** Not more often than that is it looked for another version. */
const REST = 5 * 60_000;

/** Notices another version on the server. It never comes by itself: an open page stays as it is until it is loaded anew. */
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
    const registration = await navigator.serviceWorker.register(policy.createScriptURL(WORKER), { scope: `${base}/` });
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
