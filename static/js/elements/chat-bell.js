// @ts-check
/**
 * Owns the bell with the number of unseen notifications, and the panel that lists them, which stands elsewhere in the
 * markup: on a phone it opens over a conversation too, where the bell is hidden with the list. Asks others for the rest:
 * `opened`, `more` when the list is to go on, `seen` {id} when one stood before somebody's eyes, `dismiss` {id},
 * `all-seen`, `all-dismissed`, `mute` {muted}, `allow` when notifications are wanted on the desktop too.
 */
import {language, nameOfDay, say, sayOf, timeOfDay} from "../language.js";
import {isSameDay} from "../models/calendar.js";
import {fillNotice, makeElement, noticeLevel} from "./notice-row.js";
import {part} from "./parts.js";

/** @typedef {import("../models/notifications.js").Notice} Notice */
/** @typedef {import("../models/notifications.js").NoticeId} NoticeId */
/** @typedef {import("../models/notifications.js").Notifications} Notifications */
/** @typedef {"unsupported" | NotificationPermission} DesktopState */

/** This share of a row, or of the whole list, has to be on the screen for the row to count as seen. */
const ROW_SEEN_SHARE = 0.5;
/** Between the bell and its panel, and the panel and the edge of the window, in pixels. */
const PANEL_GAP = 8;
const COUNTED = 99;

/** @returns {import("./notice-row.js").NoticeWords} in the language that the page speaks now */
export function noticeWords() {
  return {
    label: say("notification.label"),
    dismiss: say("notification.dismiss"),
    open: say("notification.link"),
    more: (count) => say("notification.more", {count}),
    level: (level) => say(/** @type {import("../language.js").TextKey} */ (`notification.${level}`)),
  };
}

export class ChatBell extends HTMLElement {
  /** Whether nobody looks; a page that knows more than its being hidden says so. */
  isAway = () => document.hidden;
  /** @type {Notifications | undefined} */
  #notifications;
  /** @type {DesktopState} */
  #desktop = "unsupported";
  /** @type {Map<NoticeId, HTMLElement>} id -> row */
  #rows = new Map();
  /** @type {Set<NoticeId>} unseen when the panel was opened, or come since: they stay marked, and above */
  #new = new Set();
  /** @type {Set<Element>} */
  #onScreen = new Set();
  /** @type {IntersectionObserver | undefined} */
  #observer;

  connectedCallback() {
    this.#observer = new IntersectionObserver((entries) => this.#onIntersection(entries), {root: part(this.#panel, ".notices", HTMLElement), threshold: [0, 0.25, ROW_SEEN_SHARE, 0.75, 1]});
    this.#panel.addEventListener("beforetoggle", (event) => {
      if (/** @type {ToggleEvent} */ (event).newState === "open") this.#place();
    });
    this.#panel.addEventListener("toggle", () => this.#onToggle());
    window.addEventListener("resize", () => this.isOpen && this.#place());
    document.addEventListener("visibilitychange", () => this.reportSeen());
    part(this.#panel, ".sound", HTMLElement).addEventListener("click", () => {
      this.dispatchEvent(new CustomEvent("mute", {detail: {muted: !this.#notifications?.muted}}));
    });
    for (const type of ["all-seen", "all-dismissed"]) {
      part(this.#panel, `.${type}`, HTMLElement).addEventListener("click", () => {
        this.#new.clear(); // what is read stays marked no longer
        this.dispatchEvent(new Event(type));
        this.#panel.focus();
      });
    }
    part(this.#panel, "select", HTMLSelectElement).addEventListener("change", () => this.#draw());
    part(this.#panel, ".allow", HTMLElement).addEventListener("click", () => this.dispatchEvent(new Event("allow")));
    part(this.#panel, ".further", HTMLElement).addEventListener("click", () => this.dispatchEvent(new Event("more")));
    language.addEventListener("change", () => {
      for (const row of this.#rows.values()) this.#observer?.unobserve(row);
      this.#rows.clear();
      this.#draw();
    });
  }

  /** @param {Notifications} notifications @param {DesktopState} desktop */
  show(notifications, desktop) {
    this.#notifications = notifications;
    this.#desktop = desktop;
    this.#draw();
  }

  open() {
    if (!this.isOpen) this.#panel.showPopover();
  }

  get isOpen() {
    return this.#panel.matches(":popover-open");
  }

  /** Below the bell, within the window; in its corner where the bell is hidden. */
  #place() {
    const bell = this.#bell.getBoundingClientRect();
    const {style} = this.#panel;
    const width = Math.min(parseFloat(getComputedStyle(this.#panel).getPropertyValue("--panel-width")) || Infinity, innerWidth - 2 * PANEL_GAP);
    const top = bell.bottom + PANEL_GAP;
    style.width = `${width}px`;
    style.left = `${Math.max(PANEL_GAP, Math.min(bell.width ? bell.left : innerWidth, innerWidth - PANEL_GAP - width))}px`;
    style.top = `${top}px`;
    style.maxHeight = `${innerHeight - top - PANEL_GAP}px`;
  }

  /** Opened or closed. The browser itself closes it on Escape and outside clicks, and takes the focus back to the bell. */
  #onToggle() {
    this.#bell.setAttribute("aria-expanded", String(this.isOpen));
    this.#new.clear();
    this.#draw();
    if (!this.isOpen) return;
    part(this.#panel, ".notices", HTMLElement).scrollTop = 0;
    this.#panel.focus();
    this.dispatchEvent(new Event("opened"));
    this.reportSeen();
  }

  #draw() {
    const notifications = this.#notifications;
    if (!notifications) return;
    const {unseen, muted} = notifications;
    this.#bell.setAttribute("aria-label", say(unseen ? "notification.bell" : "notification.label", {count: unseen}));
    const badge = part(this, ".count", HTMLElement);
    badge.hidden = unseen === 0;
    badge.textContent = unseen > COUNTED ? `${COUNTED}+` : String(unseen);
    if (!this.isOpen) return;
    part(this.#panel, ".sound", HTMLElement).setAttribute("aria-pressed", String(!muted));
    part(this.#panel, ".allow", HTMLElement).hidden = this.#desktop !== "default";
    part(this.#panel, ".denied", HTMLElement).hidden = this.#desktop !== "denied";
    this.#drawList(notifications);
  }

  /** @param {Notifications} notifications */
  #drawList({list: all, unseen, hasMore, loading, problem}) {
    for (const {id, seen} of all) if (!seen) this.#new.add(id);
    const level = part(this.#panel, "select", HTMLSelectElement).value;
    const list = all.filter((notice) => !level || noticeLevel(notice.level) === level);
    part(this.#panel, ".panel-actions", HTMLElement).hidden = !all.length;
    part(this.#panel, ".all-seen", HTMLElement).hidden = Boolean(level) || !unseen && !this.#new.size;
    part(this.#panel, ".all-dismissed", HTMLElement).hidden = Boolean(level);
    const ordered = [...list.filter(({id}) => this.#new.has(id)), ...list.filter(({id}) => !this.#new.has(id))];
    const rows = ordered.map((notice) => this.#row(notice));
    const holder = part(this.#panel, ".rows", HTMLElement);
    holder.hidden = rows.length === 0;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const place = [...holder.children].findIndex((row) => row.contains(focused));
    if (rows.length !== holder.children.length || rows.some((row, index) => holder.children[index] !== row)) holder.replaceChildren(...rows);
    if (place >= 0) this.#keepFocus(focused, rows[Math.min(place, rows.length - 1)]);
    for (const id of this.#rows.keys()) if (!all.some((notice) => notice.id === id)) this.#rows.delete(id);
    part(this.#panel, ".wait", HTMLElement).hidden = !loading;
    part(this.#panel, ".wrong", HTMLElement).textContent = problem && !loading ? sayOf("error", problem) : "";
    part(this.#panel, ".none", HTMLElement).hidden = rows.length > 0 || loading || Boolean(problem);
    const more = part(this.#panel, ".further", HTMLElement);
    const hadFocus = more === document.activeElement;
    more.hidden = !hasMore || loading;
    more.textContent = say(problem ? "notification.again" : "notification.earlier");
    if (hadFocus && more.hidden) this.#panel.focus();
  }

  /** A row that moved, or was dismissed, takes no focus with it. @param {HTMLElement | null} focused @param {HTMLElement | undefined} next */
  #keepFocus(focused, next) {
    if (focused?.isConnected && this.#panel.contains(focused)) focused.focus();
    else (next?.querySelector("button") ?? this.#panel).focus();
  }

  /** @param {Notice} notice */
  #row(notice) {
    const {id, sentAt} = notice;
    const known = this.#rows.get(id);
    const row = known ?? makeElement("div", "");
    row.setAttribute("role", "listitem");
    row.classList.toggle("is-new", this.#new.has(id));
    const shown = [notice.level, notice.title, notice.message, notice.link].join("\n");
    if (row.dataset.shown === shown) return row;
    row.dataset.shown = shown;
    fillNotice(row, notice, noticeWords(), () => this.dispatchEvent(new CustomEvent("dismiss", {detail: {id}})));
    const time = makeElement("time", "notice-time", isSameDay(sentAt, new Date()) ? timeOfDay(sentAt) : `${nameOfDay(sentAt)} ${timeOfDay(sentAt)}`);
    time.setAttribute("datetime", sentAt.toISOString());
    part(row, ".notice-text", HTMLElement).append(time);
    this.#rows.set(id, row);
    if (!known) this.#observer?.observe(row);
    return row;
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #onIntersection(entries) {
    for (const {target, isIntersecting, intersectionRatio, intersectionRect, rootBounds} of entries) {
      const fills = intersectionRect.height >= ROW_SEEN_SHARE * (rootBounds?.height ?? Infinity);
      if (isIntersecting && (intersectionRatio >= ROW_SEEN_SHARE || fills)) this.#onScreen.add(target);
      else this.#onScreen.delete(target);
    }
    this.reportSeen();
  }

  reportSeen() {
    if (this.isAway() || !this.isOpen) return;
    for (const {id, seen} of this.#notifications?.list ?? []) {
      const row = this.#rows.get(id);
      if (!seen && row && this.#onScreen.has(row)) this.dispatchEvent(new CustomEvent("seen", {detail: {id}}));
    }
  }

  get #bell() {
    return part(this, ".bell", HTMLButtonElement);
  }

  get #panel() {
    return part(document, "#notification-panel", HTMLElement);
  }
}

customElements.define("chat-bell", ChatBell);
