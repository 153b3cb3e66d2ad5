// @ts-check
/**
 * Owns the notifications that this tab knows of: each once by its id, which are seen, dismissed or out of date, and
 * how many are unseen. Tells the server what was seen or dismissed here, and again where the connection was lost.
 * Leaves showing them to the elements, and tells all of them: `arrive` {notice} (to be shown, once), `amend` {notice},
 * `seen` {id} (elsewhere), `gone` {id} (dismissed anywhere, or out of date), `change` (anything of this).
 */

/** As many unseen ones the server sends after `ready`; the others it tells when it is asked for the list. */
const SENT_AFTER_READY = 50;
const NOTICES_PER_PAGE = 30;
/** What the server could not take in is told again after this, or with the next connection. */
const TELL_AGAIN_MS = 5000;
const TELL_LATER = ["busy", "unavailable", "rate_limited", "timeout"];
const TELL_WHEN_BACK = ["not_connected", "connection_lost", "too_many_waiting", "ended"];
/** The longest that a timer of a browser can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const MUTED_KEY = "chat.muted";

/** @typedef {import("../chat-socket.js").Notification} Notification */
/**
 * @typedef {number | string} NoticeId a string was made here, for one that the server does not keep
 * @typedef {{id: NoticeId, message: string, title: string, level: string, link: string, sentAt: Date, expiresAt: Date | undefined, seen: boolean}} Notice
 * @typedef {{notifications: Notification[], unseen: number, next?: string | null}} NoticePage unseen ones first, then the newest
 * @typedef {object} Ways
 * @property {(type: "seen" | "dismiss", id: number) => Promise<unknown>} tell rejects with a ChatError
 * @property {(page: {cursor?: string | null, limit: number}) => Promise<NoticePage>} [fetch] where there is a list
 * @property {Storage} [storage] remembers that the sound is muted
 */

export class Notifications extends EventTarget {
  #ways;
  /** @type {Map<NoticeId, Notice>} */
  #held = new Map();
  /** @type {Set<NoticeId>} that came once, and are not announced again */
  #announced = new Set();
  /** @type {Set<NoticeId>} */
  #dismissed = new Set();
  /** @type {Map<number, "seen" | "dismiss">} what the server has not acknowledged yet */
  #owed = new Map();
  /** @type {Set<NoticeId>} that came since the list was asked for, which need not have them */
  #fresh = new Set();
  #isTelling = false;
  /** How many are unseen at the server and not held here, as far as it said. */
  #beyond = 0;
  /** How many of those that `ready` counted are still to come. */
  #toCome = 0;
  #made = 0;
  /** @type {string | null | undefined} `undefined`: the list was never asked for; `null`: all of it is here */
  #next;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #expiry;
  loading = false;
  /** Why the list did not come; a code of ChatError. */
  problem = "";

  /** @param {Ways} ways */
  constructor(ways) {
    super();
    this.#ways = ways;
  }

  /** The newest first. */
  get list() {
    return [...this.#held.values()].sort((one, other) => other.sentAt.getTime() - one.sentAt.getTime() || Number(other.id) - Number(one.id));
  }

  get unseen() {
    return this.#beyond + this.list.filter(({seen}) => !seen).length;
  }

  /** Whether the list goes on at the server; also before it was asked for. */
  get hasMore() {
    return this.#next !== null;
  }

  get muted() {
    return this.#ways.storage?.getItem(MUTED_KEY) === "true";
  }

  set muted(muted) {
    this.#ways.storage?.setItem(MUTED_KEY, String(muted));
    this.#tell("change");
  }

  /** @param {StorageEvent} change what another tab did */
  hear({key}) {
    if (key === MUTED_KEY) this.#tell("change");
  }

  /** A new connection: as many are unseen, and the oldest of them are sent next. @param {{unseen?: number}} ready */
  meet({unseen = 0}) {
    this.#toCome = Math.min(unseen, SENT_AFTER_READY);
    this.#beyond = Math.max(0, unseen - this.#heldUnseen());
    this.#settle();
    this.#tell("change");
    // What was dismissed elsewhere meanwhile can only be told from the list.
    if (this.#ways.fetch && (this.#next !== undefined || this.#held.size)) this.load();
  }

  /** Takes in a `notification` event. @param {Notification} notification */
  take(notification) {
    const notice = this.#read(notification);
    const {id} = notice;
    if (this.#dismissed.has(id)) return;
    const known = this.#held.get(id);
    if (!notice.seen && typeof id === "number" && this.#toCome > 0) {
      this.#toCome -= 1;
      if (!known) this.#beyond = Math.max(0, this.#beyond - 1);
    }
    this.#fresh.add(id);
    this.#hold(notice);
    if (!this.#held.has(id)) return; // out of date already
    if (known && !isSame(known, notice)) this.#tell("amend", {notice});
    else if (!known && !notice.seen && !this.#announced.has(id)) this.#tell("arrive", {notice});
    this.#announced.add(id);
    this.#tell("change");
  }

  /** Somebody saw it in this tab. @param {NoticeId} id */
  see(id) {
    const notice = this.#held.get(id);
    if (!notice || notice.seen) return;
    notice.seen = true;
    this.#owe("seen", id);
    this.#tell("change");
  }

  /** It was seen in another tab, or on another machine. @param {NoticeId} id */
  seenElsewhere(id) {
    const notice = this.#held.get(id);
    if (notice?.seen) return;
    if (notice) notice.seen = true;
    else this.#beyond = Math.max(0, this.#beyond - 1);
    this.#tell("seen", {id});
    this.#tell("change");
  }

  /** Somebody closed it in this tab. @param {NoticeId} id */
  dismiss(id) {
    this.dismissedElsewhere(id);
    this.#owe("dismiss", id);
  }

  /** @param {NoticeId} id */
  dismissedElsewhere(id) {
    this.#dismissed.add(id);
    this.#drop(id);
    this.#tell("change");
  }

  /** Fetches the list from its beginning. @returns {Promise<void>} */
  load() {
    return this.#fetch(undefined);
  }

  /** Fetches what comes after the part of the list that is here. @returns {Promise<void>} */
  more() {
    return this.#fetch(this.#next ?? undefined);
  }

  /** @param {string | undefined} cursor @returns {Promise<void>} */
  async #fetch(cursor) {
    if (this.loading || !this.#ways.fetch) return;
    this.loading = true;
    this.problem = "";
    this.#tell("change");
    try {
      if (!cursor) this.#fresh.clear();
      const held = this.#held.size;
      const page = await this.#ways.fetch({cursor, limit: NOTICES_PER_PAGE});
      this.#learn(page, !cursor);
      this.loading = false;
      // After a list begun anew the next pages hold what is here already.
      if (cursor && page.next && this.#held.size === held) return this.more();
    } catch (error) {
      this.problem = /** @type {{code?: string}} */ (error).code ?? "other";
    } finally {
      this.loading = false;
      this.#tell("change");
    }
  }

  /** @param {NoticePage} page @param {boolean} isFirst */
  #learn({notifications, unseen, next}, isFirst) {
    const notices = notifications.map((notification) => this.#read(notification));
    if (isFirst) this.#dropMissing(notices, Boolean(next));
    const listed = new Set(notices.filter(({seen}) => !seen).map(({id}) => id));
    for (const {id, seen} of this.list) if (!seen || this.#owed.get(/** @type {number} */ (id)) === "seen") listed.add(id);
    for (const notice of notices) if (!this.#dismissed.has(notice.id)) this.#hold(notice);
    this.#next = next ?? null;
    this.#beyond = next ? Math.max(0, unseen - [...listed].filter((id) => typeof id === "number").length) : 0;
  }

  /** What should stand on the first page and does not was dismissed elsewhere. @param {Notice[]} page @param {boolean} goesOn */
  #dropMissing(page, goesOn) {
    const ids = new Set(page.map(({id}) => id));
    const last = page.at(-1);
    for (const notice of this.list) {
      const {id} = notice;
      if (typeof id === "string" || ids.has(id) || this.#fresh.has(id)) continue;
      if (!goesOn || !last || isBefore(notice, last)) this.#drop(id);
    }
  }

  /** @param {Notice} notice */
  #hold(notice) {
    const {id} = notice;
    const isSeen = notice.seen || this.#held.get(id)?.seen || (typeof id === "number" && this.#owed.has(id));
    if (notice.expiresAt && notice.expiresAt.getTime() <= Date.now()) return this.#drop(id);
    this.#held.set(id, Object.assign(notice, {seen: Boolean(isSeen)}));
    this.#watchExpiry();
  }

  /** @param {NoticeId} id */
  #drop(id) {
    if (this.#held.delete(id)) this.#tell("gone", {id});
  }

  /** One timer, for whatever is out of date first. */
  #watchExpiry() {
    clearTimeout(this.#expiry);
    const first = Math.min(...this.list.map(({expiresAt}) => expiresAt?.getTime() ?? Infinity));
    if (first === Infinity) return;
    this.#expiry = setTimeout(() => {
      for (const {id, expiresAt} of this.list) if (expiresAt && expiresAt.getTime() <= Date.now()) this.#drop(id);
      this.#watchExpiry();
      this.#tell("change");
    }, Math.min(Math.max(0, first - Date.now()), LONGEST_TIMER_MS));
  }

  #heldUnseen() {
    return this.list.filter(({id, seen}) => !seen && typeof id === "number").length;
  }

  /** @param {"seen" | "dismiss"} type @param {NoticeId} id */
  #owe(type, id) {
    if (typeof id === "string") return;
    this.#owed.set(id, type);
    this.#settle();
  }

  /** One after the other: somebody who comes back to fifty of them is not a flood. */
  async #settle() {
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      for (let [owed] = this.#owed; owed; [owed] = this.#owed) {
        const [id, type] = owed;
        await this.#ways.tell(type, id).catch((error) => {
          if (TELL_LATER.includes(error.code) || TELL_WHEN_BACK.includes(error.code)) throw error;
        });
        if (this.#owed.get(id) === type) this.#owed.delete(id);
      }
    } catch (error) {
      if (TELL_LATER.includes(/** @type {{code: string}} */ (error).code)) setTimeout(() => this.#settle(), TELL_AGAIN_MS);
    } finally {
      this.#isTelling = false;
    }
  }

  /** @param {Notification} notification @returns {Notice} */
  #read({id, message, title = "", level = "info", link = "", timestamp, expires, seen = false}) {
    const sentAt = timestamp ? new Date(timestamp) : new Date();
    const expiresAt = expires ? new Date(expires) : undefined;
    return {id: id ?? `made.${++this.#made}`, message, title, level, link, sentAt, expiresAt, seen};
  }

  /** @param {string} type @param {object} [detail] */
  #tell(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, {detail}));
  }
}

/** Whether one stands before the other in the server's order. @param {Notice} one @param {Notice} other */
function isBefore(one, other) {
  if (one.seen !== other.seen) return other.seen;
  return one.sentAt > other.sentAt || (one.sentAt.getTime() === other.sentAt.getTime() && Number(one.id) > Number(other.id));
}

/** Whether two say the same. @param {Notice} one @param {Notice} other */
function isSame(one, other) {
  return one.message === other.message && one.title === other.title && one.level === other.level && one.link === other.link;
}
