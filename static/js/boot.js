// What must be known before the first paint: theme, language, whether somebody is signed in, whether the list is hidden.
// A classic script on purpose: the browser waits for it, and nothing flashes.
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
  const soon = [`i18n/${language}.js`];
  if (root.dataset.place === "door") soon.push("views/door.js");
  if (path === "/" || path === "/chat") soon.push("views/empty.js");
  if (path === "/stats" || path === "/settings") soon.push(`views${path}.js`);
  for (const file of soon) {
    document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href: `${assets}/js/${file}` }));
  }
})();
