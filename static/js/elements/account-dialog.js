// @ts-check
/**
 * Owns the dialog in which somebody gives their name a password, or changes it: `account` {oldPassword, newPassword}.
 * Leaves asking the server to others, and is told what came of it.
 */
import {language, say, sayWhole} from "../language.js";
import {part} from "./parts.js";

/** @typedef {import("../language.js").TextKey} TextKey */

export class AccountDialog extends HTMLElement {
  #hasPassword = false;
  /** @type {import("../chat-socket.js").ChatError | undefined} */
  #error;

  connectedCallback() {
    part(this, "form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const oldPassword = part(this, "#old-password", HTMLInputElement).value;
      const newPassword = part(this, "#new-password", HTMLInputElement).value;
      this.showError(undefined);
      this.dispatchEvent(new CustomEvent("account", {detail: {oldPassword, newPassword}}));
    });
    part(this, ".cancel", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
    this.#show.addEventListener("change", () => this.#draw());
    language.addEventListener("change", () => this.#draw());
  }

  /** @param {boolean} hasPassword whether the old one is needed */
  open(hasPassword) {
    this.#hasPassword = hasPassword;
    part(this, "form", HTMLFormElement).reset();
    this.showError(undefined);
    this.#dialog.showModal();
  }

  close() {
    this.#dialog.close();
  }

  /** Says why it was not done, at the field at fault. @param {import("../chat-socket.js").ChatError | undefined} error */
  showError(error) {
    this.#error = error;
    this.#draw();
    const atFault = this.querySelector("[aria-invalid=true]");
    if (atFault instanceof HTMLInputElement) atFault.select();
  }

  get #show() {
    return part(this, ".show", HTMLInputElement);
  }

  get #dialog() {
    return part(this, "dialog", HTMLDialogElement);
  }

  #draw() {
    const {code, field = ""} = this.#error ?? {};
    const isOld = code === "wrong_password" || field === "oldPassword";
    part(this, "#old-password", HTMLInputElement).ariaInvalid = String(isOld);
    part(this, "#new-password", HTMLInputElement).ariaInvalid = String(!isOld && ["password", "newPassword"].includes(field));
    part(this, ".problem", HTMLElement).textContent = !this.#error ? ""
      : code === "wrong_password" ? say("account.wrongPassword")
      : sayWhole(this.#error);
    part(this, "h2", HTMLElement).textContent = say(this.#hasPassword ? "account.change" : "account.protect");
    part(this, ".hint", HTMLElement).textContent = say(this.#hasPassword ? "account.changeHint" : "account.protectHint");
    const old = part(this, ".old", HTMLElement);
    for (const field of this.#dialog.querySelectorAll("p input")) field.setAttribute("type", this.#show.checked ? "text" : "password");
    old.hidden = !this.#hasPassword;
    part(this, "#old-password", HTMLInputElement).required = this.#hasPassword;
  }
}

customElements.define("account-dialog", AccountDialog);
