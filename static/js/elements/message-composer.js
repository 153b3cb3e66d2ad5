// @ts-check
/**
 * Owns the field a message is written in: `send-message` {text} when it is finished, `draft` {text} on the way.
 * Leaves to others whom it goes to.
 */
import {language, say} from "../language.js";
import {isBlank} from "../models/message-text.js";
import {part} from "./parts.js";

/** What browsers report as the key while an input method, as for Korean, is still composing. */
const COMPOSING_KEY_CODE = 229;

/** So many bytes before a message is too long somebody is told how many are left. */
const NEAR_FULL = 2000;

export class MessageComposer extends HTMLElement {
  /** How many bytes longer a text may be; less than 0: it is too long. @type {(text: string) => number} */
  roomFor = () => Infinity;
  #enterSends = true;

  connectedCallback() {
    let width = 0;
    new ResizeObserver(() => { // narrower, or in larger letters, it has more lines
      if (this.#field.clientWidth === width) return;
      width = this.#field.clientWidth;
      this.#fit();
    }).observe(this.#field);
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#field.addEventListener("input", () => {
      this.#fit();
      this.#tellDraft();
    });
    this.#field.addEventListener("keydown", (event) => {
      // The Enter that ends a composition belongs to the input method. Safari ends it before this event
      // and then tells by the key code only.
      const composing = event.isComposing || event.keyCode === COMPOSING_KEY_CODE;
      const isSending = event.ctrlKey || event.metaKey || (this.#enterSends && !event.shiftKey);
      if (event.key !== "Enter" || composing || !isSending) return;
      event.preventDefault();
      this.#send();
    });
  }

  /** Otherwise it breaks the line, and the button sends: a phone's keyboard has no Shift+Enter. @param {boolean} enterSends */
  set enterSends(enterSends) {
    this.#enterSends = enterSends;
    this.#field.enterKeyHint = enterSends ? "send" : "enter";
  }

  /** Puts this before what is being written. @param {string} text */
  insert(text) {
    const {value} = this.#field;
    this.edit(value ? `${text}\n${value}` : text);
    this.#tellDraft();
  }

  /** Puts this text in the field, and the cursor behind it. @param {string} text */
  edit(text) {
    this.show(text);
    // On a touch screen the focus would cover half of the conversation with a keyboard.
    if (matchMedia("(pointer: fine)").matches) this.#field.focus();
  }

  /** Puts this text in the field, which another tab wrote. @param {string} text */
  show(text) {
    if (this.#field.value !== text) this.#field.value = text; // else an input method goes on
    this.#fit();
  }

  focus() {
    this.#field.focus();
  }

  #send() {
    const text = this.#field.value.replace(/^\s*\n/, "").trimEnd();
    if (isBlank(text) || this.roomFor(text) < 0) return;
    this.edit("");
    this.#field.focus();
    this.dispatchEvent(new CustomEvent("send-message", {detail: {text}}));
  }

  #tellDraft() {
    this.dispatchEvent(new CustomEvent("draft", {detail: {text: this.#field.value}}));
  }

  /** As high as its text; chat.css says how high at most. */
  #fit() {
    this.#drawRoom();
    const field = this.#field;
    this.style.height = `${this.offsetHeight}px`; // measuring must not move what stands above
    field.style.height = "auto";
    const borders = field.offsetHeight - field.clientHeight;
    field.style.height = `${field.scrollHeight + borders}px`;
    this.style.height = "";
  }

  #drawRoom() {
    const left = this.roomFor(this.#field.value);
    const room = part(this, ".room", HTMLElement);
    room.hidden = left > NEAR_FULL;
    room.textContent = room.hidden ? "" : say(left < 0 ? "composer.tooLong" : "composer.room", {count: Math.abs(left).toLocaleString(language.locale)});
    room.classList.toggle("problem", left < 0);
  }

  get #field() {
    return part(this, "textarea", HTMLTextAreaElement);
  }
}

customElements.define("message-composer", MessageComposer);
