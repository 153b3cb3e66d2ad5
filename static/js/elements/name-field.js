// @ts-check
/**
 * Owns the dialog that begins a conversation: a field with suggestions below it (a combobox of WAI-ARIA 1.2).
 * `toggle` when it opens or closes,
 * `beginning` {beginning} as somebody types, `converse` {userId} when they have chosen. Leaves who there is to others.
 */
import {language, say} from "../language.js";
import {copy, drawPerson, part} from "./parts.js";

/** @typedef {import("../models/people.js").Person} Person */

export class NameField extends HTMLElement {
  /** The name that was chosen last. */
  chosen = "";
  #me = "";
  /** The option that the arrows have come to; -1: the field itself. */
  #active = -1;

  connectedCallback() {
    const input = this.#input;
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#converse(this.#active < 0 ? input.value : this.#options[this.#active].dataset.name ?? "");
    });
    input.addEventListener("input", () => {
      this.#activate(-1);
      this.#ask();
    });
    input.addEventListener("keydown", (event) => this.#onKeydown(event));
    this.#dialog.addEventListener("close", () => this.dispatchEvent(new Event("toggle")));
    part(this, ".cancel", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
    this.#list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
    this.#list.addEventListener("click", ({target}) => {
      const option = target instanceof Element && target.closest("[role=option]");
      if (option instanceof HTMLElement) this.#converse(option.dataset.name ?? "");
    });
    language.addEventListener("change", () => this.#showProblem(""));
  }

  /** @param {string} me */
  setUser(me) {
    this.#me = me;
  }

  open() {
    if (this.#dialog.open) return;
    this.#input.value = "";
    this.#showOptions([]);
    this.#dialog.showModal();
    this.dispatchEvent(new Event("toggle"));
    this.#ask();
  }

  /** @param {string} beginning what they were asked for @param {Person[]} people */
  suggest(beginning, people) {
    if (beginning === this.beginning) this.#showOptions(people);
  }

  /** It is nobody's name: it stands in the field again, with the reason. @param {string} name @param {string} why */
  refuse(name, why) {
    this.open();
    this.#input.value = name;
    this.#showProblem(why);
  }

  /** What is typed so far. */
  get beginning() {
    return this.#input.value.trim();
  }

  get isOpen() {
    return this.#dialog.open;
  }

  #ask() {
    this.#showProblem("");
    this.dispatchEvent(new CustomEvent("beginning", {detail: {beginning: this.#input.value}}));
  }

  /** @param {KeyboardEvent} event */
  #onKeydown(event) {
    const {key, isComposing} = event;
    const count = this.#options.length;
    if (isComposing) return;
    if (key === "ArrowDown" && count) this.#activate(this.#active + 1 < count ? this.#active + 1 : -1);
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
    this.chosen = name;
    this.#dialog.close();
    this.dispatchEvent(new CustomEvent("converse", {detail: {userId: name}, bubbles: true}));
  }

  /** @param {Person[]} people */
  #showOptions(people) {
    const chosen = this.#options[this.#active]?.dataset.name;
    this.#list.replaceChildren(...people.map((person, index) => {
      const option = copy("name-option");
      option.id = `new-name-option-${index}`;
      option.dataset.name = person.userId;
      drawPerson(option, person);
      return option;
    }));
    this.#list.hidden = !people.length;
    this.#input.setAttribute("aria-expanded", String(people.length > 0));
    this.#activate(people.findIndex(({userId}) => userId === chosen)); // they are shown anew as people come and go
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

  get #dialog() {
    return part(this, "dialog", HTMLDialogElement);
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
