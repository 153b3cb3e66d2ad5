// @ts-check
/**
 * Owns the field a message is written in: `send-message` {text} when it is finished, `draft` {text} on the way.
 * Leaves to others whom it goes to.
 */
import {part} from "./parts.js";

/** What browsers report as the key while an input method, as for Korean, is still composing. */
const COMPOSING_KEY_CODE = 229;

export class MessageComposer extends HTMLElement {
  connectedCallback() {
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#field.addEventListener("input", () => {
      this.#fit();
      this.dispatchEvent(new CustomEvent("draft", {detail: {text: this.#field.value}}));
    });
    this.#field.addEventListener("keydown", (event) => {
      // The Enter that ends a composition belongs to the input method. Safari ends it before this event
      // and then tells by the key code only.
      const composing = event.isComposing || event.keyCode === COMPOSING_KEY_CODE;
      if (event.key !== "Enter" || event.shiftKey || composing) return;
      event.preventDefault();
      this.#send();
    });
  }

  /** Puts this text in the field, and the cursor behind it. @param {string} text */
  edit(text) {
    this.#field.value = text;
    this.#fit();
    // On a touch screen the focus would cover half of the conversation with a keyboard.
    if (matchMedia("(pointer: fine)").matches) this.#field.focus();
  }

  #send() {
    const text = this.#field.value.replace(/^\s*\n/, "").trimEnd();
    if (!text) return;
    this.edit("");
    this.#field.focus();
    this.dispatchEvent(new CustomEvent("send-message", {detail: {text}}));
  }

  /** As high as its text; chat.css says how high at most. */
  #fit() {
    const field = this.#field;
    field.style.height = "auto";
    const borders = field.offsetHeight - field.clientHeight;
    field.style.height = `${field.scrollHeight + borders}px`;
  }

  get #field() {
    return part(this, "textarea", HTMLTextAreaElement);
  }
}

customElements.define("message-composer", MessageComposer);
