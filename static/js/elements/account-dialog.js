// @ts-check
/**
 * Owns the dialog in which somebody gives their name a password, or changes it: `account` {oldPassword, newPassword}.
 * Leaves asking the server to others, and is told what came of it.
 */
import {language, say, sayDetail, sayOf} from "../language.js";
import {part} from "./parts.js";

/** @typedef {import("../language.js").TextKey} TextKey */

export class AccountDialog extends HTMLElement {
  #hasPassword = false;

  connectedCallback() {
    part(this, "form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const oldPassword = part(this, "#old-password", HTMLInputElement).value;
      const newPassword = part(this, "#new-password", HTMLInputElement).value;
      this.#showProblem("");
      this.dispatchEvent(new CustomEvent("account", {detail: {oldPassword, newPassword}}));
    });
    part(this, ".cancel", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
    language.addEventListener("change", () => this.#draw());
  }

  /** @param {boolean} hasPassword whether the old one is needed */
  open(hasPassword) {
    this.#hasPassword = hasPassword;
    this.#showProblem("");
    part(this, "form", HTMLFormElement).reset();
    this.#draw();
    this.#dialog.showModal();
  }

  close() {
    this.#dialog.close();
  }

  /** @param {import("../chat-socket.js").ChatError} error */
  showError(error) {
    const {code, rule} = error;
    if (code === "wrong_password") this.#showProblem(say("account.wrongPassword"));
    else if (code === "invalid_field" && !rule) this.#showProblem(say("signin.badPassword"));
    else this.#showProblem(`${code === "invalid_field" ? "" : sayOf("error", code)} ${sayDetail(error)}`.trim());
  }

  get #dialog() {
    return part(this, "dialog", HTMLDialogElement);
  }

  /** @param {string} problem */
  #showProblem(problem) {
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
