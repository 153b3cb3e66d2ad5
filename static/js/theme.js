// @ts-check
/** Owns how the page looks before its script has run. No module: those wait for the whole page. wiring/appearance.js keeps what is chosen. */
(() => {
  try {
    const {dataset} = document.documentElement;
    const scope = (dataset.root ?? location.pathname).slice(1); // as browser-storage.js
    dataset.theme = localStorage.getItem(`${scope}chat.theme`) ?? "system";
    dataset.size = new URLSearchParams(location.search).has("projector") ? "large" : (localStorage.getItem(`${scope}chat.size`) ?? "");
  } catch {
    // Nothing was chosen.
  }
})();
