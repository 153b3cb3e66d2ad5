// @ts-check
/**
 * Owns the two dialogs about blocking: one asks before somebody is blocked (`block` {userId}), one lists who is, each
 * with a way back (`unblock` {userId}). Leaves asking the server to others.
 */
import {language, say, sayWhole} from "../language.js";
import {profiles} from "../models/profiles.js";
import {copy, drawFace, drawId, drawName, part} from "./parts.js";

export class BlockDialog extends HTMLElement {
  #userId = "";
  /** @type {string[]} */
  #blocked = [];
  /** @type {import("../chat-socket.js").ChatError | undefined} of what was asked last */
  #problem;

  connectedCallback() {
    part(this, ".confirm .main-button", HTMLButtonElement).addEventListener("click", () => {
      this.dispatchEvent(new CustomEvent("block", {detail: {userId: this.#userId}}));
    });
    for (const name of ["confirm", "blocked"]) {
      part(this, `.${name} .cancel`, HTMLButtonElement).addEventListener("click", () => this.#dialog(name).close());
    }
    language.addEventListener("change", () => this.#draw());
  }

  /** Asks whether this person is to be blocked. @param {string} userId */
  ask(userId) {
    this.#userId = userId;
    this.#problem = undefined;
    this.#draw();
    this.#dialog("confirm").showModal();
  }

  /** Shows who is blocked. */
  open() {
    this.#problem = undefined;
    this.#draw();
    this.#dialog("blocked").showModal();
  }

  /** What came of it: the question is answered, or the reason why not stands below it. @param {"confirm" | "blocked"} name @param {import("../chat-socket.js").ChatError} [problem] */
  settle(name, problem) {
    this.#problem = problem;
    this.#draw();
    if (!problem && name === "confirm") this.#dialog(name).close();
  }

  /** @param {string[]} blocked whom I have blocked */
  show(blocked) {
    this.#blocked = blocked;
    this.#draw();
  }

  /** @param {string} name @returns {HTMLDialogElement} */
  #dialog(name) {
    return part(this, `.${name}`, HTMLDialogElement);
  }

  #draw() {
    part(this, ".confirm h2", HTMLElement).textContent = say("block.ask", {name: profiles.nameOf(this.#userId)});
    drawId(part(this, ".confirm .id", HTMLElement), this.#userId);
    for (const problem of this.querySelectorAll(".problem")) problem.textContent = this.#problem ? sayWhole(this.#problem) : "";
    part(this, ".blocked .none", HTMLElement).hidden = this.#blocked.length > 0;
    part(this, ".blocked ul", HTMLElement).replaceChildren(...this.#blocked.map((userId) => this.#rowOf(userId)));
  }

  /** @param {string} userId */
  #rowOf(userId) {
    const row = copy("blocked-row");
    drawName(part(row, ".name", HTMLElement), userId);
    drawId(part(row, ".id", HTMLElement), userId);
    drawFace(part(row, ".face", HTMLElement), userId);
    const button = part(row, "button", HTMLButtonElement);
    button.textContent = say("block.unblock");
    button.setAttribute("aria-label", say("block.unblockName", {name: profiles.nameOf(userId)}));
    button.addEventListener("click", () => this.dispatchEvent(new CustomEvent("unblock", {detail: {userId}})));
    return row;
  }
}

customElements.define("block-dialog", BlockDialog);
