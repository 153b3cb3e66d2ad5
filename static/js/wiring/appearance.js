// @ts-check
/**
 * Owns how the page looks as far as somebody chooses it: light, dark or as the system has it, and half as large again for
 * a projector, which `?projector` in the address asks for too. Leaves the colours and sizes themselves to chat.css.
 */
import {allTabs} from "../browser-storage.js";

/** theme.js reads both before this script has come. */
const THEME_KEY = "chat.theme";
const SIZE_KEY = "chat.size";
const LARGE = "large";

/** @param {import("./elements.js").Elements} elements */
export function wireAppearance({themeButtons, largeButton}) {
  let size = new URLSearchParams(location.search).has("projector") ? LARGE : undefined; // of this page alone
  const show = () => {
    const theme = allTabs.getItem(THEME_KEY) ?? "system";
    const isLarge = (size ?? allTabs.getItem(SIZE_KEY)) === LARGE;
    Object.assign(document.documentElement.dataset, {theme, size: isLarge ? LARGE : ""});
    for (const button of themeButtons) button.setAttribute("aria-checked", String(button.value === theme));
    largeButton.setAttribute("aria-checked", String(isLarge));
  };
  for (const button of themeButtons) {
    button.addEventListener("click", () => {
      allTabs.setItem(THEME_KEY, button.value);
      show();
    });
  }
  largeButton.addEventListener("click", () => {
    const isLarge = largeButton.getAttribute("aria-checked") === "true";
    size = undefined;
    allTabs.setItem(SIZE_KEY, isLarge ? "" : LARGE);
    show();
  });
  window.addEventListener("storage", show); // another tab's choice
  show();
}
