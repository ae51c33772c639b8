// What must be known before the first paint: theme, language, whether somebody is signed in, whether the list is hidden. The
// server puts it into the document, so that the browser neither asks nor waits for it. Then it starts the page.
(() => {
  const root = document.documentElement;
  const { base, assets } = root.dataset;
  const read = (storage, name) => {
    try {
      return window[storage].getItem(`gpt-assistant${base}:${name}`);
    } catch {
      return null;
    }
  };
  let prefs = {};
  try {
    prefs = JSON.parse(read("localStorage", "prefs")) ?? {};
  } catch {
    // Damaged settings are no settings.
  }
  const language = prefs.language ?? (/^zh\b/i.test(navigator.language) ? "zh-CN" : "en");
  root.lang = language;
  for (const name of ["theme", "face", "size"]) if (prefs[name]) root.dataset[name] = prefs[name];
  if (prefs.listHidden) root.dataset.list = "hidden";
  const path = location.pathname.slice(base.length);
  const outside = path === "/login" || path === "/register";
  const signed = read("sessionStorage", "token") ?? read("localStorage", "token");
  root.dataset.place = outside || !signed ? "door" : /^\/(chat(\/\d+)?)?$/.test(path) ? "chat" : "room";
  // What this place needs: the server has written down which files each part consists of.
  const parts = Object.fromEntries(root.dataset.parts.split(";").map((part) => part.split("=")));
  const { place } = root.dataset;
  const needed = place === "door" ? ["door"] : ["shell", "keyboard", place === "chat" ? "chat" : path.slice(1)];
  const words = place === "room" ? [`i18n/${language}.js`, `i18n/${language}-more.js`] : [`i18n/${language}.js`];
  const files = new Set([...words, ...["app", ...needed].flatMap((part) => parts[part]?.split(" ") ?? [])]);
  // The first paint goes before: it needs none of them, and they would take its time. What nobody sees is not painted.
  const painted = new Promise((done) => {
    if (document.hidden) done();
    document.addEventListener("visibilitychange", done, { once: true });
    requestAnimationFrame(() => setTimeout(done));
  });
  painted.then(() => {
    for (const file of files) {
      document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href: `${assets}/js/${file}` }));
    }
    return import(`${assets}/js/app.js`);
  });
})();
