// @ts-check
/**
 * Owns the notifications that this tab knows of: each once by its id, which are seen, dismissed or out of date, and
 * how many are unseen. Leaves telling the server what was seen or dismissed here to notice-reports.js, showing them to
 * the elements, and tells all of these: `arrive` {notice} (to be shown, once), `amend` {notice},
 * `seen` {id} (elsewhere), `gone` {id} (dismissed anywhere, or out of date), `change` (anything of this).
 */
import {NoticeExpiry} from "./notice-expiry.js";
import {changesAfter, isSame, missingIn, newestFirst, parsed} from "./notice-order.js";
import {NoticeReports} from "./notice-reports.js";

/** As many unseen ones the server sends after `ready`; the others it tells when it is asked for the list. */
const SENT_AFTER_READY = 50;
const NOTICES_PER_PAGE = 30;
const MUTED_KEY = "chat.muted";

/** @typedef {import("../chat-socket.js").Notification} Notification */
/**
 * @typedef {number | string} NoticeId a string was made here, for one that the server does not keep
 * @typedef {{id: NoticeId, message: string, title: string, level: string, link: string, sentAt: Date, expiresAt: Date | undefined, seen: boolean}} Notice
 * @typedef {{notifications: Notification[], unseen: number, next?: string | null}} NoticePage unseen ones first, then the newest
 * @typedef {{changes: {change: number, notificationId: number, seen: boolean, dismissed: boolean}[], change: number, more: boolean, incomplete: boolean}} ChangePage the oldest first
 * @typedef {object} Options
 * @property {(type: "seen" | "dismiss", which: import("./notice-reports.js").Which) => Promise<unknown>} tell rejects with a ChatError
 * @property {(page: {cursor?: string | null, limit: number}) => Promise<NoticePage>} [fetch] where there is a list
 * @property {(page: {after: number}) => Promise<ChangePage>} [fetchChanges] where there are changes
 * @property {import("./safe-storage.js").SafeStorage} [storage] remembers that the sound is muted
 */

export class Notifications extends EventTarget {
  #options;
  /** @type {Map<NoticeId, Notice>} */
  #held = new Map();
  /** @type {Set<NoticeId>} that came once, and are not announced again */
  #announced = new Set();
  /** @type {Set<NoticeId>} */
  #dismissed = new Set();
  #reports;
  /** @type {Set<NoticeId>} that came since the list was asked for, which need not have them */
  #fresh = new Set();
  /** How many are unseen at the server and not held here, as far as it said. */
  #beyond = 0;
  /** How many of those that `ready` counted are still to come. */
  #toCome = 0;
  /** @type {string | undefined} of what is held */
  #epoch;
  /** The newest change that this tab knows of; undefined: there was no `ready` yet. @type {number | undefined} */
  #change;
  /** @type {string | null | undefined} `undefined`: the list was never asked for; `null`: all of it is here */
  #next;
  #expiry = new NoticeExpiry(() => [...this.#held.values()], (due) => {
    for (const {id} of due) this.#remove(id);
    this.#dispatch("change");
  });
  loading = false;
  problem = ""; // why the list did not come; a code of ChatError

  /** @param {Options} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#reports = new NoticeReports(options.tell);
  }

  /** The newest first. */
  get list() {
    return [...this.#held.values()].sort(newestFirst);
  }

  get unseen() {
    return this.#beyond + this.list.filter(({seen}) => !seen).length;
  }

  /** Whether the list goes on at the server; also before it was asked for. */
  get hasMore() {
    return this.#next !== null;
  }

  get muted() {
    return this.#options.storage?.getItem(MUTED_KEY) === "true";
  }

  set muted(muted) {
    this.#options.storage?.setItem(MUTED_KEY, String(muted));
    this.#dispatch("change");
  }

  /** @param {{key: string | null}} change what another tab did */
  applyStorageChange({key}) {
    if (key === MUTED_KEY) this.#dispatch("change");
  }

  /** The server's time, just now. @param {{timestamp?: string}} event `ready` or `pong` */
  applyClock({timestamp}) {
    this.#expiry.applyClock(timestamp);
  }

  /** A new connection: as many are unseen, and the newest of them are sent next. @param {{unseen?: number, notificationChange?: number, epoch?: string, timestamp?: string}} ready */
  applyReady({unseen = 0, notificationChange = 0, epoch, timestamp}) {
    this.applyClock({timestamp});
    if (this.#epoch !== undefined && this.#epoch !== epoch) this.#forget();
    this.#epoch = epoch;
    this.#toCome = Math.min(unseen, SENT_AFTER_READY);
    this.#beyond = Math.max(0, unseen - this.#heldUnseen());
    this.#reports.flush();
    this.#dispatch("change");
    const known = this.#change;
    this.#change = notificationChange;
    if (known !== undefined && known !== notificationChange && this.#options.fetchChanges) this.#catchUp(known);
    else this.#reload();
  }

  /** What was seen or dismissed elsewhere while there was no connection; then the list, which counts. @param {number} after */
  async #catchUp(after) {
    try {
      for await (const {change, notificationId, seen, dismissed} of changesAfter(this.#options.fetchChanges, after)) {
        if (dismissed) this.applyDismissed(notificationId);
        else if (seen && this.#held.has(notificationId)) this.applySeen(notificationId);
        after = change;
      }
    } catch {
      this.#change = after; // the rest with the next connection
    }
    this.#reload();
  }

  /** What is new and does not come by itself, where there is a list. */
  #reload() {
    if (this.#options.fetch && (this.#next !== undefined || this.#held.size)) this.load();
  }

  /** The ids of another epoch name others now. */
  #forget() {
    for (const known of [this.#announced, this.#dismissed, this.#fresh]) known.clear();
    this.#reports.forget();
    for (const id of [...this.#held.keys()]) if (typeof id === "number") this.#remove(id);
    this.#change = undefined;
  }

  /** Up to here this tab knows what was seen and dismissed. @param {number} [change] */
  noteChange(change = 0) {
    if (this.#change !== undefined) this.#change = Math.max(this.#change, change);
  }

  /** Takes in a `notification` event. @param {Notification} notification */
  receive(notification) {
    const notice = parsed(notification);
    const {id} = notice;
    if (this.#dismissed.has(id) || this.#reports.typeOf(id) === "dismiss") return;
    const known = this.#held.get(id);
    if (!notice.seen && typeof id === "number" && this.#toCome > 0) {
      this.#toCome -= 1;
      if (!known) this.#beyond = Math.max(0, this.#beyond - 1);
    }
    this.#fresh.add(id);
    this.#put(notice);
    if (!this.#held.has(id)) return; // out of date already
    if (known && !isSame(known, notice)) this.#dispatch("amend", {notice});
    else if (!notice.seen && !this.#announced.has(id)) this.#dispatch("arrive", {notice}); // the list may be faster
    this.#announced.add(id);
    this.#dispatch("change");
  }

  /** Somebody saw it in this tab. @param {NoticeId} id */
  markSeen(id) {
    const notice = this.#held.get(id);
    if (!notice || notice.seen) return;
    notice.seen = true;
    this.#report("seen", id);
    this.#dispatch("change");
  }

  /** It was seen in another tab, or on another machine. @param {NoticeId} id */
  applySeen(id) {
    const notice = this.#held.get(id);
    if (notice?.seen) return;
    if (notice) notice.seen = true;
    else this.#beyond = Math.max(0, this.#beyond - 1);
    this.#dispatch("seen", {id});
    this.#dispatch("change");
  }

  /** All up to this one were seen in another tab, or on another machine. @param {number} upTo */
  applySeenUpTo(upTo) {
    for (const {id, seen} of this.list) if (typeof id === "number" && id <= upTo && !seen) this.applySeen(id);
    if (this.#beyond) this.#reload(); // which tells how many of those are left
  }

  /** Somebody has seen all of them, in this tab, those too that are not here. */
  markAllSeen() {
    for (const notice of this.list) notice.seen = true;
    this.#reportAll("seen");
  }

  /** Somebody closed all of them in this tab. */
  dismissAll() {
    this.#next = null;
    this.#reportAll("dismiss");
    for (const {id} of this.list) this.applyDismissed(id);
  }

  /** @param {"seen" | "dismiss"} type */
  #reportAll(type) {
    this.#beyond = 0;
    const upTo = Math.max(0, ...this.list.flatMap(({id}) => (typeof id === "number" ? id : [])));
    if (upTo) this.#reports.scheduleUpTo(type, upTo);
    this.#dispatch("change");
  }

  /** Somebody closed it in this tab. @param {NoticeId} id */
  dismiss(id) {
    this.applyDismissed(id);
    this.#report("dismiss", id);
  }

  /** All up to this one were dismissed in another tab, or on another machine. @param {number} upTo */
  applyDismissedUpTo(upTo) {
    for (const {id} of this.list) if (typeof id === "number" && id <= upTo) this.applyDismissed(id);
    if (this.#beyond || this.#next) this.#reload();
  }

  /** @param {NoticeId} id */
  applyDismissed(id) {
    this.#dismissed.add(id);
    this.#remove(id);
    this.#dispatch("change");
  }

  /** Fetches the list from its beginning. @returns {Promise<void>} */
  load() {
    return this.#fetch(undefined);
  }

  /** Fetches what comes after the part of the list that is here. @returns {Promise<void>} */
  loadMore() {
    return this.#fetch(this.#next ?? undefined);
  }

  /** @param {string | undefined} cursor @returns {Promise<void>} */
  async #fetch(cursor) {
    if (this.loading || !this.#options.fetch) return;
    this.loading = true;
    this.problem = "";
    this.#dispatch("change");
    try {
      if (!cursor) this.#fresh.clear();
      const held = this.#held.size;
      const page = await this.#options.fetch({cursor, limit: NOTICES_PER_PAGE});
      this.#applyPage(page, !cursor);
      this.loading = false;
      // After a list begun anew the next pages hold what is here already.
      if (cursor && page.next && this.#held.size === held) return this.loadMore();
    } catch (error) {
      this.problem = /** @type {{code?: string}} */ (error).code ?? "other";
    } finally {
      this.loading = false;
      this.#dispatch("change");
    }
  }

  /** @param {NoticePage} page @param {boolean} isFirst */
  #applyPage({notifications, unseen, next}, isFirst) {
    const notices = notifications.map((notification) => parsed(notification));
    if (isFirst) for (const id of missingIn(notices, Boolean(next), this.list)) if (!this.#fresh.has(id)) this.#remove(id);
    const listed = new Set(notices.filter(({seen}) => !seen).map(({id}) => id));
    for (const {id, seen} of this.list) if (!seen || this.#reports.typeOf(id) === "seen") listed.add(id);
    for (const notice of notices) if (!this.#dismissed.has(notice.id) && this.#reports.typeOf(notice.id) !== "dismiss") this.#put(notice);
    this.#next = next ?? null;
    this.#beyond = next ? Math.max(0, unseen - [...listed].filter((id) => typeof id === "number").length) : 0;
  }

  /** @param {Notice} notice */
  #put(notice) {
    const {id} = notice;
    const isSeen = notice.seen || this.#held.get(id)?.seen || this.#reports.typeOf(id) !== undefined;
    if (this.#expiry.isOver(notice)) return this.#remove(id);
    this.#held.set(id, Object.assign(notice, {seen: Boolean(isSeen)}));
    this.#expiry.watch();
  }

  /** @param {NoticeId} id */
  #remove(id) {
    if (this.#held.delete(id)) this.#dispatch("gone", {id});
  }

  #heldUnseen() {
    return this.list.filter(({id, seen}) => !seen && typeof id === "number").length;
  }

  /** @param {"seen" | "dismiss"} type @param {NoticeId} id */
  #report(type, id) {
    if (typeof id === "number") this.#reports.schedule(type, id);
  }

  /** @param {string} type @param {object} [detail] */
  #dispatch(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, {detail}));
  }
}
