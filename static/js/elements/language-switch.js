// @ts-check
/**
 * Owns the buttons that choose the page's language, and translates the page's fixed texts when it changes.
 * Leaves all texts that come and go to the elements that write them.
 */
import {language, translate} from "../language.js";

class LanguageSwitch extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", ({target}) => {
      const code = target instanceof HTMLButtonElement && target.lang;
      if (code === "en" || code === "ko") language.choose(code);
    });
    language.addEventListener("change", () => this.#draw());
    this.#draw();
  }

  #draw() {
    document.documentElement.lang = language.code;
    translate(document);
    for (const button of this.querySelectorAll("button")) {
      button.setAttribute(button.hasAttribute("role") ? "aria-checked" : "aria-pressed", String(button.lang === language.code));
    }
  }
}

customElements.define("language-switch", LanguageSwitch);
