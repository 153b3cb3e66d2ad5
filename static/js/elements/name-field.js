// @ts-check
/**
 * Owns the field that begins a conversation, with suggestions below it (a combobox of WAI-ARIA 1.2): `beginning`
 * {beginning} as somebody types, `converse` {userId} when they have chosen. Leaves who there is to others.
 */
import {language, say} from "../language.js";
import {part} from "./parts.js";

export class NameField extends HTMLElement {
  #me = "";
  /** The option that the arrows have come to; -1: the field itself. */
  #active = -1;

  connectedCallback() {
    const input = this.#input;
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#converse(this.#active < 0 ? input.value : this.#options[this.#active].textContent ?? "");
    });
    input.addEventListener("input", () => {
      this.#showProblem("");
      this.dispatchEvent(new CustomEvent("beginning", {detail: {beginning: input.value}}));
    });
    input.addEventListener("keydown", (event) => this.#onKeydown(event));
    input.addEventListener("blur", () => this.#showOptions([]));
    this.#list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
    this.#list.addEventListener("click", ({target}) => {
      const option = target instanceof Element && target.closest("[role=option]");
      if (option) this.#converse(option.textContent ?? "");
    });
    language.addEventListener("change", () => this.#showProblem(""));
  }

  /** @param {string} me */
  setUser(me) {
    this.#me = me;
  }

  /** @param {string} beginning what they were asked for @param {string[]} names */
  suggest(beginning, names) {
    if (beginning !== this.#input.value.trim() || document.activeElement !== this.#input) return;
    this.#showOptions(names);
  }

  /** @param {KeyboardEvent} event */
  #onKeydown(event) {
    const {key, isComposing} = event;
    const count = this.#options.length;
    if (isComposing) return;
    if (key === "Escape" && count) this.#showOptions([]);
    else if (key === "ArrowDown" && count) this.#activate(this.#active + 1 < count ? this.#active + 1 : -1);
    else if (key === "ArrowUp" && count) this.#activate(this.#active < 0 ? count - 1 : this.#active - 1);
    else return;
    event.preventDefault();
  }

  /** @param {string} typed */
  #converse(typed) {
    const name = typed.trim();
    const key = name ? (name === this.#me ? "name.self" : undefined) : "name.blank";
    this.#showProblem(key ? say(key) : "");
    if (key) return this.#input.focus();
    this.#input.value = "";
    this.#showOptions([]);
    this.dispatchEvent(new CustomEvent("converse", {detail: {userId: name}, bubbles: true}));
  }

  /** @param {string[]} names */
  #showOptions(names) {
    this.#list.replaceChildren(...names.map((name, index) => {
      const option = document.createElement("li");
      option.id = `new-name-option-${index}`;
      option.setAttribute("role", "option");
      option.dir = "auto";
      option.textContent = name;
      return option;
    }));
    this.#list.hidden = !names.length;
    this.#input.setAttribute("aria-expanded", String(names.length > 0));
    this.#activate(-1);
  }

  /** @param {number} index */
  #activate(index) {
    this.#active = index;
    for (const [place, option] of this.#options.entries()) option.setAttribute("aria-selected", String(place === index));
    const option = this.#options[index];
    if (option) this.#input.setAttribute("aria-activedescendant", option.id);
    else this.#input.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({block: "nearest"});
  }

  /** @param {string} sentence */
  #showProblem(sentence) {
    part(this, ".problem", HTMLElement).textContent = sentence;
  }

  get #input() {
    return part(this, "input", HTMLInputElement);
  }

  get #list() {
    return part(this, "[role=listbox]", HTMLElement);
  }

  get #options() {
    return /** @type {HTMLElement[]} */ ([...this.#list.children]);
  }
}

customElements.define("name-field", NameField);
