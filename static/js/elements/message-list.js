// @ts-check
/**
 * Owns the messages of the open conversation on the page: groups, days, the line above what is new, and staying where
 * somebody reads, which mostly is at the newest one. What is far off the screen is not on the page: the conversation
 * holds a part of it. Nothing is seen before it stands where it was wanted, and the end is followed no further than the
 * first unread message stays on the screen. Asks for the rest: `older`, `newer` and `newest` when messages further up or
 * down are wanted, `around` {seq} for those far up, `seen` {seq} for what came on the screen, `try-again`, `edit-message`, `discard` {message}.
 */
import {KEPT_MESSAGES} from "../models/conversation.js";
import {language, say} from "../language.js";
import {isSameDay} from "../models/calendar.js";
import {inNextFrame} from "../on.js";
import {drawEdge} from "./message-edge.js";
import {drawState, isOneGroup, moveIn, newDay, newDivider, newRow} from "./message-row.js";
import {copyMessages, messageOf, moveByArrow} from "./message-keys.js";
import {distanceToEnd, lastIndexThat, part, placeRows} from "./parts.js";

/** @typedef {import("../models/conversation.js").Message} Message */
/** @typedef {import("../models/conversation.js").Conversation} Conversation */
/** @typedef {{seq: number, isFound: boolean}} Goal */

/** So near to its end, in pixels, a list counts as being at its end. */
const NEAR_END = 48;
/** So near to what is held, in pixels, further messages are asked for: before somebody has to wait for them. */
const NEAR_EDGE = 1200;
/** So much of a message, in pixels, has to be on the screen for it to be seen. */
const SEEN = 24;
const FOUND_MS = 2500;
/** So many rows are made at once where some stand already, the nearest first: the rest has the next frames. */
const ROWS_AT_ONCE = 8;
/** Messages further up than this are fetched without those between. */
const FAR = KEPT_MESSAGES - 50;

export class MessageList extends HTMLElement {
  /** @type {Conversation | undefined} */
  #conversation;
  /** @type {Map<Message | string, HTMLElement>} message, or what stands between two -> row */
  #rows = new Map();
  #atEnd = true;
  /** Whether what stood there at the last draw() ended before the newest message. */
  #wasParted = false;
  #wasUntold = false;
  /** @type {{row: Element, top: number} | undefined} the first message in sight, and how far below the top */
  #anchor;
  /** @type {Goal | undefined} where to scroll as soon as it stands there */
  #goal;
  /** Whether some messages have no row yet. */
  #hasRest = false;
  /** Somebody went to the newest past what is new: the end is followed, and a button leads back up. */
  #isPastNew = false;

  connectedCallback() {
    const scroller = this.#scroller;
    scroller.addEventListener("scroll", () => this.#onScroll());
    for (const type of ["wheel", "touchmove", "keydown"]) scroller.addEventListener(type, () => this.#list.firstChild && (this.#goal = undefined), {passive: true});
    scroller.addEventListener("keydown", (event) => moveByArrow(event, this.#list, () => this.#lastOnScreen(0)));
    scroller.addEventListener("copy", (event) => copyMessages(event, this.#rows));
    // A keyboard that slides in, a phone that is turned, larger letters: the end stays, or the first message in sight.
    const stay = () => this.#stay();
    const resized = new ResizeObserver(stay);
    for (const element of [scroller, this.#list]) resized.observe(element);
    addEventListener("resize", stay); // the observer comes after the scroll event of the frame before
    this.#newer.addEventListener("click", () => this.scrollToNewest());
    this.#toNew.addEventListener("click", () => this.scrollToNew());
    part(this, ".earlier", HTMLElement).addEventListener("click", () => this.dispatchEvent(new Event("older")));
    language.addEventListener("change", () => {
      this.#rows.clear();
      this.draw();
    });
  }

  /** Shows this conversation instead of the one there, from what is new in it. @param {Conversation} conversation */
  show(conversation) {
    this.#conversation = conversation;
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#atEnd = true;
    this.#wasParted = this.#isPastNew = false;
    this.#goal = undefined;
    this.draw();
  }

  /** Brings the page up to what the conversation is now; nothing that somebody reads moves. */
  draw() {
    const conversation = this.#conversation;
    if (!conversation) return;
    const hasNew = this.#list.firstChild && !this.#wasUntold ? this.#atEnd && conversation.lacksUnread : conversation.newFrom > 0;
    if (hasNew && !this.#goal && !this.#isPastNew) this.#goal = {seq: Math.max(conversation.newFrom, conversation.read + 1), isFound: false};
    const stays = this.#atEnd && !this.#wasParted ? undefined : this.#firstInSight();
    this.#wasUntold = conversation.awaitsPointers;
    const before = stays?.getBoundingClientRect().top ?? 0;
    drawEdge(part(this, ".edge", HTMLElement), conversation);
    const last = stays || this.#goal ? null : this.#list.lastElementChild;
    placeRows(this.#list, this.#rowsOf(conversation));
    for (let row = last?.nextElementSibling; row; row = row.nextElementSibling) if (row.matches(".message")) moveIn(/** @type {HTMLElement} */ (row));
    if (this.#goal && this.#scrollToGoal(this.#goal)) this.#goal = undefined;
    else if (!stays) this.#followEnd(conversation);
    else if (stays.isConnected) this.#scroller.scrollTop += stays.getBoundingClientRect().top - before;
    this.#requestMore();
    this.#reportSeen();
  }

  /** @param {Element} row @returns {Message | undefined} */
  messageOf(row) {
    return messageOf(row, this.#rows);
  }

  /** Scrolls to this message as soon as it is there, and shows which it is. @param {number} seq */
  showMessage(seq) {
    this.#goal = {seq, isFound: true};
    this.draw();
  }

  scrollToNewest() {
    this.#goal = undefined;
    this.#isPastNew ||= Boolean(this.#conversation?.unread);
    this.#wasParted = false;
    this.#scrollToEnd();
    this.dispatchEvent(new Event("newest"));
    this.#reportSeen();
  }

  #stay() {
    const {row, top} = this.#anchor ?? {};
    if (!this.#conversation || this.#goal) return;
    if (this.#atEnd) this.#followEnd(this.#conversation);
    else if (row?.isConnected) this.#scroller.scrollTop += row.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top - Number(top);
    this.#reportSeen();
  }

  #onScroll() {
    this.#atEnd = distanceToEnd(this.#scroller) < NEAR_END;
    this.#requestMore();
    this.#reportSeen();
  }

  /** @param {Conversation} conversation @returns {HTMLElement[]} the rows that should stand there */
  #rowsOf(conversation) {
    const messages = conversation.isParted ? conversation.messages : [...conversation.messages, ...conversation.pending];
    const [first, end] = this.#rangeOf(messages);
    const lastRead = messages.findLast((message) => conversation.stateOf(message) === "read");
    const firstNew = this.#firstNew(conversation);
    const rows = [];
    const used = new Map();
    const follows = messages.map((message, index) => index > 0 && message !== firstNew && isOneGroup(messages[index - 1], message));
    for (let index = first; index < end; index += 1) {
      const message = messages[index];
      if (index === first || !isSameDay(messages[index - 1].sentAt, message.sentAt)) rows.push(this.#reuse(used, message.sentAt.toDateString(), () => newDay(message.sentAt)));
      if (message === firstNew) rows.push(this.#reuse(used, "new", newDivider));
      const row = this.#reuse(used, message, () => newRow(message, conversation.withUserId));
      row.classList.toggle("follows", follows[index]);
      row.classList.toggle("ends", !follows[index + 1]);
      drawState(row, conversation, message, message === lastRead);
      rows.push(row);
    }
    this.#rows = used;
    return rows;
  }

  /** Which of them are drawn now: those that stand, and a few around them. @param {Message[]} messages @returns {[number, number]} */
  #rangeOf(messages) {
    const stands = (/** @type {Message} */ message) => this.#rows.has(message);
    const [first, last] = [messages.findIndex(stands), messages.findLastIndex(stands)];
    const isWhole = first < 0 || this.#goal || document.hidden;
    const [from, end] = isWhole ? [0, messages.length] : [Math.max(0, first - ROWS_AT_ONCE), Math.min(messages.length, last + 1 + ROWS_AT_ONCE)];
    this.#wasParted = Boolean(this.#conversation?.isParted) || (this.#wasParted && end < messages.length);
    const isAsked = this.#hasRest;
    this.#hasRest = from > 0 || end < messages.length;
    if (this.#hasRest && !isAsked) inNextFrame(() => {
      this.#hasRest = false;
      this.draw();
    });
    return [from, end];
  }

  /** @param {Conversation} conversation @returns {Message | undefined} */
  #firstNew({newFrom, messages, heldFrom, firstSeq}) {
    if (!newFrom || heldFrom > Math.max(newFrom, firstSeq)) return undefined; // it stands further up
    return messages.find(({mine, seq}) => !mine && seq >= newFrom);
  }

  /** @param {Map<Message | string, HTMLElement>} used @param {Message | string} key @param {() => HTMLElement} make */
  #reuse(used, key, make) {
    const row = used.get(key) ?? this.#rows.get(key) ?? make();
    used.set(key, row);
    return row;
  }

  /** @param {Goal} goal @returns {boolean} whether it stands there, or never will */
  #scrollToGoal({seq, isFound}) {
    const conversation = /** @type {Conversation} */ (this.#conversation);
    const divider = isFound ? undefined : this.#rows.get("new");
    const row = divider ?? (isFound ? this.#list.querySelector(`[data-seq="${seq}"]`) : null);
    if (!row) {
      const {hasOlder, isStuck, heldFrom, heldTo, isAtStart} = conversation;
      if (isFound || isStuck || isAtStart || (heldFrom <= seq && seq <= heldTo)) return isStuck || !isFound;
      if (hasOlder) this.dispatchEvent(heldFrom - seq > FAR || seq > heldTo ? new CustomEvent("around", {detail: {seq}}) : new Event("older"));
      return false;
    }
    const {top, height} = row.getBoundingClientRect();
    const room = this.#scroller.getBoundingClientRect();
    this.#scroller.scrollTop += top - room.top - (isFound ? Math.max(0, (room.height - height) / 2) : NEAR_END);
    this.#atEnd = distanceToEnd(this.#scroller) < NEAR_END;
    if (isFound && row instanceof HTMLElement) {
      row.classList.add("is-found");
      row.focus({preventScroll: true});
      setTimeout(() => row.classList.remove("is-found"), FOUND_MS);
    }
    return true;
  }

  scrollToNew() {
    this.#isPastNew = false;
    this.#goal = {seq: this.#conversation?.newFrom ?? 0, isFound: false};
    this.draw();
  }

  /** Asks for what somebody will see next. */
  #requestMore() {
    const conversation = this.#conversation;
    if (!conversation || conversation.isStuck || this.#goal || this.#hasRest) return;
    if (conversation.hasOlder && this.#scroller.scrollTop < NEAR_EDGE) this.dispatchEvent(new Event("older"));
    else if (conversation.isParted && distanceToEnd(this.#scroller) < NEAR_EDGE) this.dispatchEvent(new Event("newer"));
  }

  /** Tells of what is on the screen, and who reads further up of what is not. */
  #reportSeen() {
    const conversation = this.#conversation;
    if (!conversation) return;
    const divider = this.#rows.get("new");
    if (divider && !conversation.isParted && divider.getBoundingClientRect().bottom > this.#scroller.getBoundingClientRect().top) this.#isPastNew = false;
    this.#toNew.hidden = !this.#isPastNew || !conversation.newFrom;
    const row = this.#firstInSight();
    this.#anchor = row && {row, top: row.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top};
    if (this.#goal || this.#wasUntold) return; // what stands there now is not what is wanted
    const seq = Number(this.#lastOnScreen(SEEN)?.dataset.seq ?? 0);
    if (seq) this.dispatchEvent(new CustomEvent("seen", {detail: {seq}}));
    const {unread, isParted} = conversation;
    this.#newer.hidden = this.#atEnd && !isParted;
    this.#newer.textContent = unread ? say("conversation.newCount", {count: unread}) : "";
    this.#newer.setAttribute("aria-label", this.#newer.textContent || say("conversation.toNewest"));
  }

  /** @param {number} pixels so much of it is on the screen @returns {HTMLElement | undefined} */
  #lastOnScreen(pixels) {
    const {bottom, height} = this.#scroller.getBoundingClientRect();
    return height ? this.#findLast((row) => row.getBoundingClientRect().top + pixels <= bottom) : undefined;
  }

  /** The last message that fits; those before it do too. @param {(row: HTMLElement) => boolean} fits */
  #findLast(fits) {
    const rows = /** @type {HTMLCollectionOf<HTMLElement>} */ (this.#list.children);
    let from = lastIndexThat(rows, fits) + 1;
    while (from > 0 && !Number(rows[from - 1].dataset.seq)) from -= 1; // a day, or what waits to be sent
    return rows[from - 1];
  }

  /** @returns {Element | undefined} the first message of which something can be seen */
  #firstInSight() {
    const {top} = this.#scroller.getBoundingClientRect();
    const above = this.#findLast((row) => row.getBoundingClientRect().bottom <= top);
    let row = above ? above.nextElementSibling : this.#list.firstElementChild;
    while (row && !row.classList.contains("message")) row = row.nextElementSibling;
    return row ?? undefined;
  }

  /** To the end, but not past what came while nobody looked, or was not connected. @param {Conversation} conversation */
  #followEnd(conversation) {
    this.#scrollToEnd();
    const {newFrom, read, messages} = conversation;
    const unread = newFrom <= read || this.#isPastNew || this.#wasUntold ? undefined : messages.find(({mine, seq}) => !mine && seq > read);
    const above = unread ? this.#scroller.getBoundingClientRect().top + NEAR_END - (this.#rows.get(unread)?.getBoundingClientRect().top ?? Infinity) : 0;
    if (above <= 0) return;
    this.#scroller.scrollTop -= above;
    this.#atEnd = distanceToEnd(this.#scroller) < NEAR_END;
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

  get #toNew() {
    return part(this, ".to-new", HTMLButtonElement);
  }

  get #newer() {
    return part(this, ".newer", HTMLButtonElement);
  }
}

customElements.define("message-list", MessageList);
