// @ts-check
/**
 * Owns the stack of banners: a few at once, the urgent ones above, and errors before what is calmer, which waits for them;
 * each hides by itself unless it is an error, and
 * none while somebody is on it with the pointer or the keyboard, or looks at another tab. Asks others for the rest:
 * `seen` {id} when it stood before somebody's eyes, `dismiss` {id}, `all` when somebody wants the ones that wait.
 * Makes its markup itself and needs notifications.css alone, so that it can stand on any page.
 */
import {fillNotice, makeElement, noticeLevel} from "./notice-row.js";

/** @typedef {import("./notice-row.js").Shown} Shown */
/** @typedef {import("./notice-row.js").NoticeWords} NoticeWords */
/** @typedef {{id: number | string, notice: Shown, row: HTMLElement, leftMs: number, isOnScreen: boolean, isSeen: boolean}} Banner */

/** More than these would cover the conversation on a phone. */
const BANNERS_SHOWN = 3;
/** How long a banner stays: this, and longer for who has more to read, up to a bound. */
const STAY_MS = 7000;
const STAY_MS_PER_LETTER = 50;
const STAY_LONGEST_MS = 20_000;
const TICK_MS = 250;
/** This share of a banner has to be on the screen for it to count as seen. */
const SEEN_SHARE = 0.5;
const URGENT = ["warning", "error"];

export class ChatBanners extends HTMLElement {
  /** Whether nobody looks; a page that knows more than its being hidden says so. */
  isAway = () => document.hidden;
  /** @type {NoticeWords | undefined} */
  #words;
  /** @type {Banner[]} the first of them are shown */
  #queue = [];
  #made = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} runs while a banner is shown that hides by itself */
  #clock;
  #isHovered = false;
  /** @type {EventTarget | null} where the keyboard was before it came here */
  #cameFrom = null;
  // A live region has to be there before what it is to read out; each banner is read by itself.
  #urgent = liveRegion("alert");
  #calm = liveRegion("status");
  #more = makeElement("button", "banners-more");
  #observer = new IntersectionObserver((entries) => this.#onIntersection(entries), {threshold: SEEN_SHARE});

  constructor() {
    super();
    this.#more.setAttribute("type", "button");
    this.#more.addEventListener("click", () => this.dispatchEvent(new Event("all")));
    this.addEventListener("pointerenter", () => (this.#isHovered = true));
    this.addEventListener("pointerleave", () => (this.#isHovered = false));
    this.addEventListener("focusin", ({relatedTarget}) => {
      if (!this.contains(/** @type {Node | null} */ (relatedTarget))) this.#cameFrom = relatedTarget;
    });
  }

  connectedCallback() {
    this.append(this.#urgent, this.#calm, this.#more);
    document.addEventListener("visibilitychange", this.reportSeen);
    this.#draw();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.reportSeen);
    clearInterval(this.#clock);
    this.#clock = undefined;
  }

  /** In the language of the page; to be given before anything is shown. @param {NoticeWords} words */
  set words(words) {
    this.#words = words;
    for (const banner of this.#queue) this.#fill(banner);
    this.#draw();
  }

  /** One whose id is there already takes its place. @param {Shown} notice */
  show(notice) {
    const id = notice.id ?? `banner.${++this.#made}`;
    if (this.amend({...notice, id})) return;
    const row = makeElement("div", "banner");
    const banner = {id, notice, row, leftMs: stayMs(notice), isOnScreen: false, isSeen: false};
    const calmer = isError(notice) ? this.#queue.findIndex((other) => !isError(other.notice)) : -1;
    this.#queue.splice(calmer < 0 ? this.#queue.length : calmer, 0, banner);
    this.#fill(banner);
    this.#draw();
  }

  /** Changes the banner of this id, if there is one. @param {Shown} notice @returns {boolean} whether there is */
  amend(notice) {
    const banner = this.#find(notice.id);
    if (!banner) return false;
    const hasFocus = banner.row.contains(document.activeElement);
    Object.assign(banner, {notice, leftMs: stayMs(notice)});
    this.#fill(banner);
    if (hasFocus) banner.row.querySelector("button")?.focus();
    this.#draw();
    return true;
  }

  /** @param {number | string} id */
  withdraw(id) {
    const banner = this.#find(id);
    if (banner) this.#remove(banner);
  }

  /** It was seen elsewhere: who has it before them keeps it, who would come to it later is spared. @param {number | string} id */
  withdrawUnseen(id) {
    const banner = this.#find(id);
    if (banner && !banner.isSeen) this.#remove(banner);
  }

  /** @param {number | string | undefined} id */
  #find(id) {
    return this.#queue.find((banner) => banner.id === id);
  }

  /** @param {Banner} banner */
  #remove(banner) {
    const hadFocus = banner.row.contains(document.activeElement);
    const cameFrom = this.#cameFrom;
    this.#queue.splice(this.#queue.indexOf(banner), 1);
    this.#observer.unobserve(banner.row);
    banner.row.remove();
    if (!this.#queue.length) this.#isHovered = false; // what is gone tells of no pointer that leaves
    this.#draw();
    if (hadFocus) (this.querySelector("button:not([hidden])") ?? /** @type {any} */ (cameFrom))?.focus();
    if (hadFocus) this.#cameFrom = cameFrom; // it did not come from the banner that is gone
  }

  /** @param {Banner} banner */
  #fill(banner) {
    if (!this.#words) return;
    fillNotice(banner.row, banner.notice, this.#words, () => {
      this.#remove(banner);
      this.dispatchEvent(new CustomEvent("dismiss", {detail: {id: banner.id}}));
    });
    banner.row.querySelector("a")?.addEventListener("click", () => this.#remove(banner));
  }

  #draw() {
    for (const banner of this.#queue.slice(BANNERS_SHOWN)) this.#putBack(banner);
    for (const {row, notice} of this.#shown) {
      const region = URGENT.includes(noticeLevel(notice.level)) ? this.#urgent : this.#calm;
      if (row.parentElement === region) continue;
      region.append(row);
      this.#observer.observe(row);
    }
    const waiting = this.#queue.length - this.#shown.length;
    this.#more.hidden = waiting === 0;
    this.#more.textContent = waiting ? (this.#words?.more(waiting) ?? "") : "";
    this.#setLabel();
    const ticks = this.isConnected && this.#shown.some(({leftMs}) => leftMs !== Infinity);
    if (!ticks) clearInterval(this.#clock);
    this.#clock = ticks ? (this.#clock ?? setInterval(() => this.#tick(), TICK_MS)) : undefined;
  }

  /** An error has taken its place; but not under somebody's keyboard. @param {Banner} banner */
  #putBack(banner) {
    if (!banner.row.isConnected || banner.row.contains(document.activeElement)) return;
    this.#observer.unobserve(banner.row);
    banner.row.remove();
    banner.isOnScreen = false;
  }

  /** A landmark while there is something in it. */
  #setLabel() {
    if (this.#queue.length) this.setAttribute("role", "region");
    else this.removeAttribute("role");
    if (this.#queue.length && this.#words) this.setAttribute("aria-label", this.#words.label);
    else this.removeAttribute("aria-label");
  }

  get #shown() {
    return this.#queue.slice(0, BANNERS_SHOWN);
  }

  #tick() {
    if (this.#isHovered || this.contains(document.activeElement) || this.isAway()) return;
    for (const banner of this.#shown) {
      banner.leftMs -= TICK_MS;
      if (banner.leftMs <= 0) this.#remove(banner);
    }
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #onIntersection(entries) {
    for (const {target, intersectionRatio} of entries) {
      const banner = this.#queue.find(({row}) => row === target);
      if (banner) banner.isOnScreen = intersectionRatio >= SEEN_SHARE;
    }
    this.reportSeen();
  }

  reportSeen = () => {
    if (this.isAway()) return;
    for (const banner of this.#queue) {
      if (!banner.isOnScreen || banner.isSeen) continue;
      banner.isSeen = true;
      this.dispatchEvent(new CustomEvent("seen", {detail: {id: banner.id}}));
    }
  };
}

/** @param {Shown} notice */
function isError({level}) {
  return noticeLevel(level) === "error";
}

/** @param {Shown} notice */
function stayMs(notice) {
  const {title = "", message, passes} = notice;
  if (isError(notice) && !passes) return Infinity;
  return Math.min(STAY_MS + STAY_MS_PER_LETTER * (title.length + message.length), STAY_LONGEST_MS);
}

/** @param {"alert" | "status"} role */
function liveRegion(role) {
  const region = makeElement("div", "banners-region");
  region.setAttribute("role", role);
  region.setAttribute("aria-atomic", "false");
  region.setAttribute("aria-relevant", "additions");
  return region;
}

customElements.define("chat-banners", ChatBanners);
