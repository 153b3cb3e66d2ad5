// @ts-check
/** Owns a sentence of what was just done, mostly with a button that takes it back; both go after some seconds. Leaves what to do then to others. */
import {makeElement} from "./notice-row.js";

const STAY_MS = 10_000;

export class UndoToast extends HTMLElement {
  // A live region has to be there before what it is to read out.
  #said = makeElement("span", "said");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  connectedCallback() {
    this.#said.setAttribute("role", "status");
    this.append(this.#said);
  }

  /** @param {string} sentence @param {string} [label] of the button; without it there is none @param {() => void} [undo] */
  show(sentence, label, undo) {
    this.hide();
    this.#said.textContent = sentence;
    this.#wait();
    if (!label) return;
    const button = makeElement("button", "quiet-button", label);
    button.setAttribute("type", "button");
    button.addEventListener("click", () => {
      this.hide();
      undo?.();
    });
    this.append(button);
  }

  hide() {
    clearTimeout(this.#timer);
    this.#said.textContent = "";
    this.querySelector("button")?.remove();
  }

  /** Not while somebody is at it. */
  #wait() {
    this.#timer = setTimeout(() => (this.matches(":hover, :focus-within") ? this.#wait() : this.hide()), STAY_MS);
  }
}

customElements.define("undo-toast", UndoToast);
