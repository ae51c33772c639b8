// Keeps the page's own files, so that the page opens at once and without a network. It never touches the API, answers or
// pictures. The server fills in the address of this build and its files.

const BASE = "{base}";
const ASSETS = "{assets}";
const FILES = "{files}".split(" ");
const CACHE = `gpt-assistant${BASE} ${ASSETS}`;
const PAGE = `${BASE}/`;
/** So long the network may take before the kept page is shown. */
const PATIENCE = 3000;

self.addEventListener("install", (event) => {
  const addresses = [PAGE, ...FILES.map((file) => `${ASSETS}/${file}`)];
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(addresses)));
});

// A new build waits until no page of the old one is open: an open page never loses the files it may still need.
self.addEventListener("activate", (event) => {
  const others = (names) => names.filter((name) => name.startsWith(`gpt-assistant${BASE} `) && name !== CACHE);
  event.waitUntil(caches.keys().then((names) => Promise.all(others(names).map((name) => caches.delete(name)))));
});

self.addEventListener("message", ({ data }) => data === "take over" && self.skipWaiting());

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith(`${ASSETS}/`)) event.respondWith(kept(request));
  else if (request.mode === "navigate" && isPage(url.pathname)) event.respondWith(page(request));
});

function isPage(path) {
  if (!path.startsWith(PAGE)) return false;
  const below = path.slice(PAGE.length);
  return /^(|login|register|chat(\/\d+)?|stats|settings|admin)$/.test(below);
}

/** Files have an address of their own for each build: what is kept is right. */
async function kept(request) {
  const cache = await caches.open(CACHE);
  return await cache.match(request) ?? fetch(request);
}

/** The page of now, or without a network the one that is kept. */
async function page(request) {
  const cache = await caches.open(CACHE);
  try {
    return await fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
  } catch {
    return await cache.match(PAGE) ?? Response.error();
  }
}
