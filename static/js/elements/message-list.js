// @ts-check
/**
 * Owns the messages of the open conversation on the page: days, sides, states, and staying where somebody reads,
 * which mostly is at the newest one. Asks app.js for the rest: `older`, `newer` and `newest` when messages further
 * up or down are wanted, `try-again` {message} and `discard` {message} for one that failed.
 */
import {isSameDay, language, nameOfDay, say, sayOf, timeOfDay} from "../language.js";
import {copy, part} from "./parts.js";

/** @typedef {import("../models/conversation.js").Message} Message */
/** @typedef {import("../models/conversation.js").Conversation} Conversation */

/** Messages of one side closer together than this stand as one group. */
const GROUP_MS = 3 * 60 * 1000;
const MINUTE_MS = 60 * 1000;
/** So near to its end, in pixels, a list counts as being at its end. */
const NEAR_END = 48;
/** So near to what is held, in pixels, further messages are asked for: before somebody has to wait for them. */
const NEAR_EDGE = 600;

export class MessageList extends HTMLElement {
  /** @type {Conversation | undefined} */
  #conversation;
  /** @type {Map<Message | string, HTMLElement>} message, or day as text -> row */
  #rows = new Map();
  #atEnd = true;
  /** Whether what stood there at the last draw() ended before the newest message. */
  #wasParted = false;

  connectedCallback() {
    const scroller = this.#scroller;
    scroller.addEventListener("scroll", () => {
      this.#atEnd = this.#distanceToEnd() < NEAR_END;
      if (this.#atEnd && !this.#conversation?.isParted) this.#newer.hidden = true;
      this.#ask();
    });
    // A keyboard that slides in must not push the newest message out of sight.
    new ResizeObserver(() => this.#atEnd && this.#scrollToEnd()).observe(scroller);
    this.#newer.addEventListener("click", () => this.toNewest());
    part(this, ".earlier", HTMLElement).addEventListener("click", () => this.dispatchEvent(new Event("older")));
    language.addEventListener("change", () => {
      this.#rows.clear();
      this.draw();
    });
  }

  /** Shows this conversation instead of the one there. @param {Conversation} conversation */
  show(conversation) {
    this.#conversation = conversation;
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#newer.hidden = true;
    this.#atEnd = true;
    this.#wasParted = false;
    this.draw();
  }

  /** Brings the page up to what the conversation is now; nothing that somebody reads moves. */
  draw() {
    const conversation = this.#conversation;
    if (!conversation) return;
    const stays = this.#atEnd && !this.#wasParted ? undefined : this.#firstInSight();
    this.#wasParted = conversation.isParted;
    const before = stays?.getBoundingClientRect().top ?? 0;
    this.#drawEdge(conversation);
    this.#place(this.#rowsOf(conversation));
    if (!stays) this.#scrollToEnd();
    else this.#scroller.scrollTop += stays.getBoundingClientRect().top - before;
    this.#ask();
  }

  /** A new message stands below; who reads further up is told of it. */
  announce() {
    this.#newer.hidden = this.#atEnd && !this.#conversation?.isParted;
  }

  toNewest() {
    this.#newer.hidden = true;
    this.#wasParted = false;
    this.#scrollToEnd();
    this.dispatchEvent(new Event("newest"));
  }

  /** @param {Conversation} conversation */
  #drawEdge({isAtStart, loading, isStuck}) {
    const edge = part(this, ".edge", HTMLElement);
    edge.dataset.edge = isAtStart ? "start" : loading === "older" ? "loading" : "more";
    part(edge, ".loading", HTMLElement).hidden = loading !== "older";
    part(edge, ".earlier", HTMLElement).hidden = isAtStart || loading === "older" || !isStuck;
    part(edge, ".beginning", HTMLElement).hidden = !isAtStart || !this.#conversation?.messages.length;
  }

  /** @param {Conversation} conversation @returns {HTMLElement[]} the rows that should stand there */
  #rowsOf(conversation) {
    const messages = conversation.isParted ? conversation.messages : [...conversation.messages, ...conversation.pending];
    const lastRead = messages.findLast((message) => conversation.stateOf(message) === "read");
    const rows = [];
    const used = new Map();
    for (const [index, message] of messages.entries()) {
      const above = messages[index - 1];
      const isNewDay = !above || !isSameDay(above.sentAt, message.sentAt);
      if (isNewDay) rows.push(this.#use(used, message.sentAt.toDateString(), () => day(message.sentAt)));
      const row = this.#use(used, message, () => this.#newRow(message));
      const follows = !isNewDay && isOneGroup(above, message);
      row.classList.toggle("follows", follows);
      if (follows) used.get(above)?.classList.toggle("shares-time", isSameMinute(above, message));
      row.classList.remove("shares-time"); // the next one may set it
      this.#drawState(row, conversation, message, message === lastRead);
      rows.push(row);
    }
    this.#rows = used;
    return rows;
  }

  /** @param {Map<Message | string, HTMLElement>} used @param {Message | string} key @param {() => HTMLElement} make */
  #use(used, key, make) {
    const row = used.get(key) ?? this.#rows.get(key) ?? make();
    used.set(key, row);
    return row;
  }

  /** Rows that stay are not touched: a selection, a focus and what a screen reader is at stay too. @param {HTMLElement[]} rows */
  #place(rows) {
    const list = this.#list;
    const wanted = new Set(rows);
    for (const child of [...list.children]) if (!wanted.has(/** @type {HTMLElement} */ (child))) child.remove();
    let next = list.firstElementChild;
    for (const row of rows) {
      if (row === next) next = next.nextElementSibling;
      else list.insertBefore(row, next);
    }
  }

  /** @param {Message} message */
  #newRow(message) {
    const row = copy("message-row");
    row.classList.toggle("mine", message.mine);
    part(row, ".text", HTMLElement).textContent = message.text;
    part(row, ".by", HTMLElement).textContent = message.mine ? say("message.mine") : this.#conversation?.withUserId ?? "";
    for (const type of ["try-again", "discard"]) {
      part(row, `.${type}`, HTMLButtonElement).addEventListener("click", () => this.dispatchEvent(new CustomEvent(type, {detail: {message}})));
    }
    part(row, ".try-again", HTMLElement).textContent = say("message.retry");
    part(row, ".discard", HTMLElement).textContent = say("message.discard");
    return row;
  }

  /** @param {HTMLElement} row @param {Conversation} conversation @param {Message} message @param {boolean} isLastRead the word stands at one only */
  #drawState(row, conversation, message, isLastRead) {
    const state = conversation.stateOf(message);
    const {delay, problem} = message.waiting ?? {};
    const drawn = [state, message.sentAt.getTime(), delay, problem?.code, isLastRead].join();
    if (row.dataset.drawn === drawn) return;
    Object.assign(row.dataset, {drawn, state});
    const time = part(row, "time", HTMLTimeElement);
    time.textContent = timeOfDay(message.sentAt);
    time.dateTime = message.sentAt.toISOString();
    const inWords = delay ? say("message.delayed", {reason: sayOf("error", delay)}) : state === "theirs" || problem ? "" : say(`message.${state}`);
    part(row, ".state", HTMLElement).title = inWords;
    part(row, ".label", HTMLElement).textContent = inWords;
    part(row, ".label", HTMLElement).classList.toggle("visually-hidden", !isLastRead);
    part(row, ".trouble", HTMLElement).hidden = !problem;
    part(row, ".reason", HTMLElement).textContent = problem ? say("message.failed", {reason: sayOf("error", problem.code)}) : "";
    part(row, ".detail", HTMLElement).textContent = problem?.detail ?? "";
  }

  /** Asks for what somebody will see next. */
  #ask() {
    const conversation = this.#conversation;
    if (!conversation || conversation.isStuck) return;
    if (conversation.hasOlder && this.#scroller.scrollTop < NEAR_EDGE) this.dispatchEvent(new Event("older"));
    else if (conversation.isParted && this.#distanceToEnd() < NEAR_EDGE) this.dispatchEvent(new Event("newer"));
  }

  /** @returns {Element | undefined} the first message of which something can be seen */
  #firstInSight() {
    const {top} = this.#scroller.getBoundingClientRect();
    return [...this.#list.querySelectorAll(".message")].find((row) => row.getBoundingClientRect().bottom > top);
  }

  #distanceToEnd() {
    const {scrollHeight, scrollTop, clientHeight} = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  #scrollToEnd() {
    this.#atEnd = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
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

/** @param {Message} one @param {Message} other */
function isSameMinute(one, other) {
  return Math.floor(one.sentAt.getTime() / MINUTE_MS) === Math.floor(other.sentAt.getTime() / MINUTE_MS);
}

customElements.define("message-list", MessageList);
