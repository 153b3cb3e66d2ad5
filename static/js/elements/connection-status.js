// @ts-check
/**
 * Owns the line that says that there is no connection, why, and when the next try is: `reconnect` when somebody
 * does not want to wait. Leaves connecting to the socket.
 */
import {language, say, sayOf} from "../language.js";
import {part} from "./parts.js";

/** @typedef {import("../chat-socket.js").State} State */

/** Connecting is worth a line when it takes longer than this; mostly it does not. */
const QUIET_MS = 1500;
const COUNT_EVERY_MS = 250;
const SERVICE_RESTART = 1012;

export class ConnectionStatus extends HTMLElement {
  /** @type {State} */
  #state = {name: "connecting"};
  #retryAt = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #countdown;
  /** @type {ReturnType<typeof setTimeout> | undefined} until connecting is worth a line */
  #patience;

  connectedCallback() {
    part(this, "button", HTMLButtonElement).addEventListener("click", () => this.dispatchEvent(new Event("reconnect")));
    language.addEventListener("change", () => this.#draw());
    for (const type of ["online", "offline"]) window.addEventListener(type, () => this.#draw());
  }

  /** @param {State} state */
  show(state) {
    this.#state = state;
    this.#retryAt = Date.now() + (state.seconds ?? 0) * 1000;
    clearInterval(this.#countdown);
    clearTimeout(this.#patience);
    if (state.name === "waiting") this.#countdown = setInterval(() => this.#drawCountdown(), COUNT_EVERY_MS);
    if (state.name === "connecting" && this.hidden) this.#patience = setTimeout(() => this.#reveal(true), QUIET_MS);
    else this.#reveal(["connecting", "waiting", "ended"].includes(state.name));
  }

  /** @param {boolean} shown */
  #reveal(shown) {
    this.hidden = !shown;
    this.#draw();
  }

  #draw() {
    const {name} = this.#state;
    this.dataset.state = name;
    part(this, ".what", HTMLElement).textContent = this.hidden ? "" : this.#reason();
    const button = part(this, "button", HTMLElement);
    button.hidden = name === "connecting";
    button.textContent = say(name === "ended" ? "connection.again" : "connection.now");
    this.#drawCountdown();
  }

  #reason() {
    const {name, code = 0, reason} = this.#state;
    if (name === "connecting") return say("connection.connecting");
    if (name !== "ended") return say(!navigator.onLine ? "connection.lost" : code === SERVICE_RESTART ? "connection.restart" : "connection.unreachable");
    const sentence = sayOf("ended", code);
    return sentence === say("ended.other") ? `${sentence} (${[code, reason].filter(Boolean).join(" ")})` : sentence;
  }

  /** Stands apart from what happened, so that a screen reader does not read out every second. */
  #drawCountdown() {
    const seconds = Math.max(1, Math.ceil((this.#retryAt - Date.now()) / 1000));
    part(this, ".when", HTMLElement).textContent = this.#state.name === "waiting" ? say("connection.retryIn", {seconds}) : "";
  }
}

customElements.define("connection-status", ConnectionStatus);
