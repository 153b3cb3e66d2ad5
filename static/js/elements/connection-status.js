// @ts-check
/**
 * Owns the bar that says why there is no connection and when the next try is: `reconnect` when somebody does
 * not want to wait. Leaves connecting to the socket.
 */
import {language, say, sayOf} from "../language.js";
import {part} from "./parts.js";

/** @typedef {import("../chat-socket.js").State} State */

export class ConnectionStatus extends HTMLElement {
  /** @type {State} */
  #state = {name: "connecting"};
  #retryAt = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #countdown;

  connectedCallback() {
    part(this, "button", HTMLButtonElement).addEventListener("click", () => this.dispatchEvent(new Event("reconnect")));
    language.addEventListener("change", () => this.#draw());
  }

  /** @param {State} state */
  show(state) {
    this.#state = state;
    this.#retryAt = Date.now() + (state.seconds ?? 0) * 1000;
    clearInterval(this.#countdown);
    if (state.name === "waiting") this.#countdown = setInterval(() => this.#count(), 250);
    this.#draw();
  }

  #draw() {
    const {name, code = 0} = this.#state;
    this.hidden = name !== "waiting" && name !== "ended";
    this.dataset.state = name;
    part(this, ".what", HTMLElement).textContent = this.hidden ? "" : name === "ended" ? sayOf("ended", code) : say("connection.lost");
    part(this, "button", HTMLElement).textContent = say(name === "ended" ? "connection.again" : "connection.now");
    this.#count();
  }

  /** Stands apart from what happened, so that a screen reader does not read out every second. */
  #count() {
    const seconds = Math.max(1, Math.ceil((this.#retryAt - Date.now()) / 1000));
    part(this, ".when", HTMLElement).textContent = this.#state.name === "waiting" ? say("connection.retryIn", {seconds}) : "";
  }
}

customElements.define("connection-status", ConnectionStatus);
