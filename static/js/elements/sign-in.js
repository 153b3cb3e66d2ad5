// @ts-check
/**
 * Owns the form that asks for a name: `sign-in` {userId} when it is given, a sentence when it cannot be.
 * Leaves to app.js what signing in means.
 */
import {language, say} from "../language.js";
import {readName} from "../models/names.js";
import {part} from "./parts.js";

class SignIn extends HTMLElement {
  /** @type {import("../language.js").TextKey | undefined} */
  #problem;

  connectedCallback() {
    const input = part(this, "input", HTMLInputElement);
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      const {name, problem} = readName(input.value);
      this.#problem = problem;
      this.#show();
      if (problem) input.focus();
      else this.dispatchEvent(new CustomEvent("sign-in", {detail: {userId: name}}));
    });
    language.addEventListener("change", () => this.#show());
    input.focus();
  }

  #show() {
    part(this, ".problem", HTMLElement).textContent = this.#problem ? say(this.#problem) : "";
    part(this, "input", HTMLInputElement).ariaInvalid = String(Boolean(this.#problem));
  }
}

customElements.define("sign-in", SignIn);
