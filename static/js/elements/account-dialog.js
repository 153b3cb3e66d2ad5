// @ts-check
/**
 * Owns the dialog in which somebody gives their name a password, or changes it: `account` {oldPassword, newPassword}.
 * Leaves to app.js to ask the server, and is told what came of it.
 */
import {language, say, sayOf} from "../language.js";
import {part} from "./parts.js";

/** @typedef {import("../language.js").TextKey} TextKey */

export class AccountDialog extends HTMLElement {
  #hasPassword = false;

  connectedCallback() {
    part(this, "form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const oldPassword = part(this, "#old-password", HTMLInputElement).value;
      const newPassword = part(this, "#new-password", HTMLInputElement).value;
      this.#say("");
      this.dispatchEvent(new CustomEvent("account", {detail: {oldPassword, newPassword}}));
    });
    part(this, ".cancel", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
    language.addEventListener("change", () => this.#draw());
  }

  /** @param {boolean} hasPassword whether the old one is needed */
  open(hasPassword) {
    this.#hasPassword = hasPassword;
    this.#say("");
    part(this, "form", HTMLFormElement).reset();
    this.#draw();
    this.#dialog.showModal();
  }

  done() {
    this.#dialog.close();
  }

  /** @param {{code: string, message: string}} error */
  refuse({code, message}) {
    if (code === "wrong_password") this.#say(say("account.wrongPassword"));
    else if (code === "invalid_field") this.#say(say("signin.badPassword"));
    else if (code === "rate_limited") this.#say(say("signin.tooOften"));
    else this.#say(`${sayOf("error", code)} ${message}`);
  }

  get #dialog() {
    return part(this, "dialog", HTMLDialogElement);
  }

  /** @param {string} problem */
  #say(problem) {
    part(this, ".problem", HTMLElement).textContent = problem;
  }

  #draw() {
    part(this, "h2", HTMLElement).textContent = say(this.#hasPassword ? "account.change" : "account.protect");
    part(this, ".hint", HTMLElement).textContent = say(this.#hasPassword ? "account.changeHint" : "account.protectHint");
    const old = part(this, ".old", HTMLElement);
    old.hidden = !this.#hasPassword;
    part(this, "#old-password", HTMLInputElement).required = this.#hasPassword;
  }
}

customElements.define("account-dialog", AccountDialog);
