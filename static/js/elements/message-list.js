// @ts-check
/**
 * Owns the messages of the open conversation on the page: days, sides, states, and staying at the newest
 * one unless somebody reads further up. Leaves sending again to app.js: `try-again` {message}.
 */
import {isSameDay, language, nameOfDay, say, sayOf, timeOfDay} from "../language.js";
import {copy, part} from "./parts.js";

/** @typedef {import("../models/conversations.js").Message} Message */
/** @typedef {import("../models/conversations.js").Conversation} Conversation */

/** Messages of one side closer together than this stand as one group. */
const GROUP_MS = 3 * 60 * 1000;
/** So near to its end, in pixels, a list counts as being at its end. */
const NEAR_END = 48;
/** After these nobody knows whether the message arrived; see ChatError. */
const UNSURE = ["timeout", "connection_lost"];

export class MessageList extends HTMLElement {
  /** @type {Conversation | undefined} */
  #conversation;
  /** @type {Map<Message, HTMLElement>} message -> row */
  #rows = new Map();
  /** @type {Message | undefined} the lowest on the page */
  #last;
  #atEnd = true;

  connectedCallback() {
    const scroller = this.#scroller;
    scroller.addEventListener("scroll", () => {
      this.#atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END;
      if (this.#atEnd) this.#newer.hidden = true;
    });
    // A keyboard that slides in must not push the newest message out of sight.
    new ResizeObserver(() => this.#atEnd && this.#scrollToEnd()).observe(scroller);
    this.#newer.addEventListener("click", () => this.#scrollToEnd());
    language.addEventListener("change", () => this.#conversation && this.show(this.#conversation));
  }

  /** Shows this conversation instead of the one there. @param {Conversation} conversation */
  show(conversation) {
    this.#conversation = conversation;
    this.#rows.clear();
    this.#last = undefined;
    this.#list.replaceChildren();
    for (const message of conversation.messages) this.#append(message);
    this.#scrollToEnd();
  }

  /** @param {Message} message */
  add(message) {
    this.#append(message);
    if (this.#atEnd || message.mine) this.#scrollToEnd();
    else this.#newer.hidden = false;
  }

  /** @param {Message} message */
  update(message) {
    const row = this.#rows.get(message);
    if (!row) return;
    const time = part(row, "time", HTMLTimeElement);
    time.textContent = timeOfDay(message.sentAt);
    time.dateTime = message.sentAt.toISOString();
    row.dataset.state = message.state;
    this.#showState(row, message);
    if (this.#atEnd) this.#scrollToEnd();
  }

  /** @param {Message} message */
  #append(message) {
    const before = this.#last;
    this.#last = message;
    const newDay = !before || !isSameDay(before.sentAt, message.sentAt);
    if (newDay) this.#list.append(day(message.sentAt));
    const row = copy("message-row");
    row.classList.toggle("mine", message.mine);
    if (before && !newDay && isOneGroup(before, message)) {
      row.classList.add("follows");
      const sameTime = timeOfDay(before.sentAt) === timeOfDay(message.sentAt);
      this.#rows.get(before)?.classList.toggle("shares-time", sameTime);
    }
    part(row, ".text", HTMLElement).textContent = message.text;
    part(row, ".again", HTMLButtonElement).addEventListener("click", () => {
      this.dispatchEvent(new CustomEvent("try-again", {detail: {message}}));
    });
    this.#rows.set(message, row);
    this.#list.append(row);
    this.update(message);
  }

  /** @param {HTMLElement} row @param {Message} message */
  #showState(row, {mine, state, problem}) {
    const trouble = state === "offline" || state === "failed";
    const inWords = state === "sending" || state === "delivered" || state === "elsewhere" ? say(`message.${state}`) : "";
    part(row, ".state", HTMLElement).title = inWords;
    part(row, ".state .visually-hidden", HTMLElement).textContent = inWords;
    part(row, ".by", HTMLElement).textContent = mine ? say("message.mine") : this.#conversation?.withUserId ?? "";
    part(row, ".trouble", HTMLElement).hidden = !trouble;
    part(row, ".reason", HTMLElement).textContent = !trouble ? "" : problem ? reason(problem.code) : say("message.offline");
    part(row, ".detail", HTMLElement).textContent = problem?.detail ?? "";
    part(row, ".again", HTMLElement).textContent = say("message.retry");
  }

  #scrollToEnd() {
    this.#atEnd = true;
    this.#newer.hidden = true;
    requestAnimationFrame(() => (this.#scroller.scrollTop = this.#scroller.scrollHeight));
  }

  get #scroller() {
    return part(this, ".scroller", HTMLElement);
  }

  get #list() {
    return part(this, "ol", HTMLOListElement);
  }

  get #newer() {
    return part(this, ".newer", HTMLButtonElement);
  }
}

/** @param {Date} date */
function day(date) {
  const row = copy("day-row");
  part(row, "span", HTMLElement).textContent = nameOfDay(date);
  return row;
}

/** @param {Message} one @param {Message} next */
function isOneGroup(one, next) {
  return one.mine === next.mine && Math.abs(next.sentAt.getTime() - one.sentAt.getTime()) < GROUP_MS;
}

/** @param {string} code */
function reason(code) {
  return say(UNSURE.includes(code) ? "message.unsure" : "message.failed", {reason: sayOf("error", code)});
}

customElements.define("message-list", MessageList);
