// @ts-check
/**
 * Owns how the page looks before its script has run: what somebody chose stands from the first paint on. No module, since
 * those wait for the whole page. wiring/appearance.js keeps what is chosen, under these two keys of browser-storage.js.
 */
(() => {
  try {
    const {dataset} = document.documentElement;
    const scope = (dataset.root ?? location.pathname).slice(1); // as browser-storage.js
    dataset.theme = localStorage.getItem(`${scope}chat.theme`) ?? "system";
    dataset.size = new URLSearchParams(location.search).has("projector") ? "large" : (localStorage.getItem(`${scope}chat.size`) ?? "");
  } catch {
    // Without storage nothing was chosen.
  }
})();
