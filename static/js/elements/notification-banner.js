// @ts-check
/**
 * Owns the banner at the top of the page: a few notifications at once, the others after these are dismissed.
 * Leaves to others where they come from.
 */
import {language, say, translate} from "../language.js";
import {copy, part} from "./parts.js";

/** @typedef {import("../chat-socket.js").Notification} Notification */

/** More than these would push the conversation off a phone's screen. */
const SHOWN = 3;
/** @type {readonly string[]} */
const LEVELS = ["info", "success", "warning", "error"];

export class NotificationBanner extends HTMLElement {
  /** @type {{id: string | number | undefined, row: HTMLElement}[]} the first of them are shown */
  #queue = [];

  connectedCallback() {
    language.addEventListener("change", () => this.#draw());
  }

  /** The same id again replaces the first. @param {Notification} notification */
  show(notification) {
    const {id} = notification;
    const entry = {id, row: this.#row(notification)};
    const known = this.#queue.find((other) => id !== undefined && other.id === id);
    if (known) {
      this.#queue.splice(this.#queue.indexOf(known), 1, entry);
      known.row.replaceWith(entry.row);
    } else this.#queue.push(entry);
    this.#draw();
  }

  /** @param {HTMLElement} row */
  #dismiss(row) {
    this.#queue = this.#queue.filter((entry) => entry.row !== row);
    row.remove();
    this.#draw();
    this.querySelector("button")?.focus();
  }

  #draw() {
    const list = part(this, "ul", HTMLUListElement);
    const {length} = this.#queue;
    this.hidden = length === 0;
    for (const {row} of this.#queue.slice(0, SHOWN)) if (!row.isConnected) list.append(row);
    translate(list);
    part(this, ".more", HTMLElement).textContent = length > SHOWN ? say("notification.more", {count: length - SHOWN}) : "";
  }

  /** @param {Notification} notification */
  #row({title = "", message, level = "info", link}) {
    const row = copy("notification-row");
    row.dataset.level = LEVELS.includes(level) ? level : "info";
    part(row, ".level", HTMLElement).dataset.text = `notification.${row.dataset.level}`;
    part(row, ".title", HTMLElement).textContent = title;
    part(row, ".notice", HTMLElement).textContent = message;
    const address = safeAddress(link);
    part(row, "a", HTMLAnchorElement).hidden = !address;
    if (address) part(row, "a", HTMLAnchorElement).href = address;
    part(row, "button", HTMLButtonElement).addEventListener("click", () => this.#dismiss(row));
    return row;
  }
}

/** A link may lead to a page, never run a script. @param {string | undefined} link */
function safeAddress(link) {
  if (!link || !URL.canParse(link, document.baseURI)) return "";
  const address = new URL(link, document.baseURI);
  return ["http:", "https:"].includes(address.protocol) ? address.href : "";
}

customElements.define("notification-banner", NotificationBanner);
