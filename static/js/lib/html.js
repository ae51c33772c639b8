// The one place of the page that takes markup, and the one that names a script. What comes in was rendered by the
// server, which escapes everything a model or a person wrote; the browser lets nobody else in (Trusted Types).

const { base } = document.documentElement.dataset;
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

/** The address of the service worker, as the browser wants it. */
export const workerAddress = () => policy.createScriptURL(WORKER);
