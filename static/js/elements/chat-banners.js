// @ts-check
/**
 * Owns the stack of banners: three stand by themselves, more of them in groups. Of errors all are there, a line each; of
 * what is calmer the newest of each level, and a number. A banner hides by itself, its group with it; an error shrinks to
 * its line and stays. None of this while somebody is on it with the pointer or the keyboard, or looks at another tab. Asks others for the rest:
 * `seen` {id} when it stood before somebody's eyes, `dismiss` {id}, `all` when somebody wants the ones that wait.
 * Makes its markup itself and needs notifications.css alone, so that it can stand on any page.
 */
import {fillNotice, makeElement, noticeLevel} from "./notice-row.js";

/** @typedef {import("./notice-row.js").Shown} Shown */
/** @typedef {import("./notice-row.js").NoticeWords} NoticeWords */
/** @typedef {{id: number | string, notice: Shown, row: HTMLElement, leftMs: number, isOnScreen: boolean, isSeen: boolean}} Banner `leftMs` 0: an error, shrunk */

/** More than these would cover the conversation on a phone: they stand in groups. */
const MOST_SINGLE = 3;
/** How long a banner stays as it is: this, and longer for who has more to read, up to a bound. */
const STAY_MS = 7000;
const STAY_MS_PER_LETTER = 50;
const STAY_LONGEST_MS = 20_000;
const TICK_MS = 250;
/** This share of a banner has to be on the screen for it to count as seen. */
const SEEN_SHARE = 0.5;
/** And for so long, to be told as seen: a page that is left, for the answer to a form, has shown it to nobody. */
const SEEN_MS = 1000;
const URGENT = ["warning", "error"];
const CALM_LEVELS = ["warning", "success", "info"];

export class ChatBanners extends HTMLElement {
  /** Whether nobody looks; a page that knows more than its being hidden says so. */
  isAway = () => document.hidden;
  /** @type {NoticeWords | undefined} */
  #words;
  /** @type {Banner[]} as they came */
  #queue = [];
  #made = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} runs while a banner is shown that is to hide or to shrink */
  #clock;
  #isHovered = false;
  /** @type {EventTarget | null} where the keyboard was before it came here */
  #cameFrom = null;
  // A live region has to be there before what it is to read out; each banner is read by itself.
  #urgent = liveRegion("alert");
  #calm = liveRegion("status");
  #errors = makeElement("div", "banners-errors");
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
    this.append(this.#errors, this.#urgent, this.#calm, this.#more);
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
    this.#queue.push(banner);
    this.#fill(banner);
    this.#draw();
  }

  /** Changes the banner of this id, if there is one. @param {Shown} notice @returns {boolean} whether there is */
  amend(notice) {
    const banner = this.#find(notice.id);
    if (!banner) return false;
    const hasFocus = banner.row.contains(this.#focused);
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
    const hadFocus = banner.row.contains(this.#focused);
    const cameFrom = this.#cameFrom;
    this.#queue.splice(this.#queue.indexOf(banner), 1);
    this.#observer.unobserve(banner.row);
    banner.row.remove();
    if (!this.#queue.length) this.#isHovered = false; // what is gone tells of no pointer that leaves
    this.#draw();
    if (hadFocus) this.#refocus(cameFrom);
  }

  /** What had the keyboard is gone. @param {EventTarget | null} cameFrom */
  #refocus(cameFrom) {
    (this.querySelector(".banner button, .banners-more:not([hidden])") ?? /** @type {any} */ (cameFrom))?.focus();
    this.#cameFrom = cameFrom; // it did not come from the banner that is gone
  }

  /** @param {Banner} banner */
  #fill(banner) {
    if (!this.#words) return;
    fillNotice(banner.row, banner.notice, this.#words, () => this.#dismiss(banner));
    banner.row.querySelector("a")?.addEventListener("click", () => this.#remove(banner));
  }

  /** @param {Banner} banner */
  #dismiss(banner) {
    this.#remove(banner);
    this.dispatchEvent(new CustomEvent("dismiss", {detail: banner}));
  }

  #draw() {
    const shown = this.#shown;
    for (const banner of this.#queue) if (!shown.includes(banner)) this.#putBack(banner);
    const errors = shown.filter(({notice}) => isError(notice));
    const areLines = this.#isGrouped && errors.length > 1;
    for (const {row, notice, leftMs} of shown) row.classList.toggle("is-line", isError(notice) && (areLines || leftMs <= 0));
    const isUrgent = (/** @type {Banner} */ {notice}) => URGENT.includes(noticeLevel(notice.level));
    this.#place(this.#urgent, [...errors, ...shown.filter((banner) => isUrgent(banner) && !errors.includes(banner))]);
    this.#place(this.#calm, shown.filter((banner) => !isUrgent(banner)));
    this.#drawErrors(areLines ? errors : []);
    const waiting = this.#queue.length - shown.length;
    this.#more.hidden = waiting === 0;
    this.#more.textContent = waiting ? (this.#words?.more(waiting) ?? "") : "";
    this.#setLabel();
    const ticks = this.isConnected && shown.some(({leftMs}) => leftMs > 0);
    if (!ticks) clearInterval(this.#clock);
    this.#clock = ticks ? (this.#clock ?? setInterval(() => this.#tick(), TICK_MS)) : undefined;
  }

  /** Those that stand there already stay as they are: what is read out, a focus and a pointer too. @param {HTMLElement} region @param {Banner[]} banners */
  #place(region, banners) {
    /** @type {HTMLElement | null} */
    let next = null;
    for (const {row} of [...banners].reverse()) {
      if (row.parentElement !== region) {
        region.insertBefore(row, next);
        this.#observer.observe(row);
      }
      next = row;
    }
  }

  /** What stands above a group of errors: how many, and a button that closes them all. @param {Banner[]} errors */
  #drawErrors(errors) {
    this.#errors.hidden = !errors.length;
    if (!errors.length) this.#errors.replaceChildren();
    if (!errors.length || !this.#words) return;
    const label = `${this.#words.level("error")} (${errors.length})`;
    if (this.#errors.firstChild?.textContent === label) return;
    const close = makeElement("button", "notice-close");
    close.setAttribute("type", "button");
    close.setAttribute("aria-label", `${this.#words.dismiss}: ${label}`);
    close.addEventListener("click", () => {
      const cameFrom = this.#cameFrom;
      for (const banner of this.#ofLevel("error")) this.#dismiss(banner);
      this.#refocus(cameFrom);
    });
    this.#errors.replaceChildren(makeElement("strong", "", label), close);
  }

  /** A newer one has taken its place; but not under somebody's keyboard. @param {Banner} banner */
  #putBack(banner) {
    if (!banner.row.isConnected || banner.row.contains(this.#focused)) return;
    this.#observer.unobserve(banner.row);
    banner.row.remove();
    banner.isOnScreen = false;
  }

  /** What has the keyboard, in the shadow root too that these stand in. */
  get #focused() {
    return /** @type {Document | ShadowRoot} */ (this.getRootNode()).activeElement;
  }

  /** A landmark while there is something in it. */
  #setLabel() {
    if (this.#queue.length) this.setAttribute("role", "region");
    else this.removeAttribute("role");
    if (this.#queue.length && this.#words) this.setAttribute("aria-label", this.#words.label);
    else this.removeAttribute("aria-label");
  }

  get #isGrouped() {
    return this.#queue.length > MOST_SINGLE;
  }

  /** All of them, or where they stand in groups every error and the newest of each other level. */
  get #shown() {
    if (!this.#isGrouped) return this.#queue;
    const newest = CALM_LEVELS.map((level) => this.#ofLevel(level).at(-1));
    return this.#queue.filter((banner) => isError(banner.notice) || newest.includes(banner));
  }

  /** @param {string} level */
  #ofLevel(level) {
    return this.#queue.filter(({notice}) => noticeLevel(notice.level) === level);
  }

  #tick() {
    if (this.#isHovered || this.contains(this.#focused) || this.isAway()) return;
    const isGrouped = this.#isGrouped;
    for (const banner of [...this.#shown]) {
      if (banner.leftMs <= 0) continue;
      banner.leftMs -= TICK_MS;
      if (banner.leftMs > 0) continue;
      if (staysAsLine(banner.notice)) this.#draw();
      else for (const over of isGrouped ? this.#ofLevel(noticeLevel(banner.notice.level)) : [banner]) this.#remove(over);
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
      setTimeout(() => this.dispatchEvent(new CustomEvent("seen", {detail: banner})), SEEN_MS);
    }
  };
}

/** @param {Shown} notice */
function isError({level}) {
  return noticeLevel(level) === "error";
}

/** What a server or a program tells as an error stays until somebody closes it. @param {Shown} notice */
function staysAsLine(notice) {
  return isError(notice) && !notice.passes;
}

/** @param {Shown} notice */
function stayMs(notice) {
  const {title = "", message} = notice;
  if (staysAsLine(notice)) return STAY_LONGEST_MS;
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

/** Of the class that was defined first: a page may load this file and a widget that has it too. */
export function makeBanners() {
  return /** @type {ChatBanners} */ (document.createElement("chat-banners"));
}

if (!customElements.get("chat-banners")) customElements.define("chat-banners", ChatBanners);
