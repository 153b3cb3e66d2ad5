// @ts-check
/**
 * Owns notifications on the desktop: shown when no tab of this person is in sight, by one tab for all, and taken
 * away when what they tell of was read. Leaves to others what they tell of.
 */

/** What is read within this time, here or on another machine, was not worth a notification. */
const UNREAD_FOR_MS = 1500;

/**
 * @typedef {object} News
 * @property {string} tag news of the same tag takes the place of the earlier
 * @property {string} title
 * @property {string} body
 * @property {string} [icon] an address; without it, the chat's own
 * @property {() => boolean} isUnread asked before it is shown
 * @property {() => void} open somebody clicked on it
 *
 * @typedef {{news?: News, notification?: Notification}} Entry what is about to be shown, and what is
 */

export class DesktopNotify {
  #lookingKey;
  #attention;
  /** @type {Map<string, Entry>} by its tag */
  #shown = new Map();
  /** @type {(() => void) | undefined} ends our word that somebody looks at this tab */
  #releaseLock;
  /** Whether this tab speaks for all of this person's; without locks (a page without https) every tab does. */
  speaks = !navigator.locks;

  /** @param {string} me @param {import("./models/presence.js").Attention} attention */
  constructor(me, attention) {
    this.#attention = attention;
    const whose = location.pathname + me; // another chat of this origin has people of its own
    this.#lookingKey = `chat.looking.${whose}`;
    // Held until the tab is closed, when the next one in the queue gets it.
    navigator.locks?.request(`chat.speaks.${whose}`, () => {
      this.speaks = true;
      return new Promise(() => undefined);
    });
    attention.addEventListener("change", () => this.#updateLookingLock());
    this.#updateLookingLock();
  }

  /** @returns {"unsupported" | NotificationPermission} */
  get state() {
    return "Notification" in globalThis && isSecureContext ? Notification.permission : "unsupported";
  }

  /** Asks the browser, which asks the person. Only when they pressed a button for it. */
  async requestPermission() {
    if (this.state === "default") await Notification.requestPermission();
  }

  /** @param {News} news @param {() => void} [heard] called when nobody looked and it is still unread, permission or not */
  async show(news, heard) {
    if (!this.speaks || !this.#attention.isAway) return;
    const waiting = this.#shown.get(news.tag);
    if (waiting?.news) { // somebody who writes fast does not begin the wait anew each time
      waiting.news = news;
      return;
    }
    /** @type {Entry} */
    const entry = {news, notification: waiting?.notification};
    this.#shown.set(news.tag, entry);
    await new Promise((resolve) => setTimeout(resolve, UNREAD_FOR_MS));
    const isLookedAt = await this.#isLookedAt();
    if (this.#shown.get(news.tag) !== entry) return; // read meanwhile, or something newer took its place
    const {tag, title, body, icon = "static/icon.svg", isUnread, open} = /** @type {News} */ (entry.news);
    if (isLookedAt || !isUnread()) return this.close(tag);
    heard?.();
    entry.notification?.close();
    entry.notification = this.#make(title, {tag: location.pathname + tag, body, icon: new URL(icon, document.baseURI).href});
    entry.news = undefined;
    if (!entry.notification) return this.close(tag);
    entry.notification.onclick = () => {
      window.focus();
      open();
      this.close(tag);
    };
  }

  /** @param {string} title @param {NotificationOptions} options @returns {Notification | undefined} where the browser lets us */
  #make(title, options) {
    if (this.state !== "granted") return undefined;
    try {
      return new Notification(title, options);
    } catch { // Chrome on Android has the class, and wants a service worker
      return undefined;
    }
  }

  /** It was read, or is out of date. @param {string} tag */
  close(tag) {
    this.#shown.get(tag)?.notification?.close();
    this.#shown.delete(tag);
  }

  /** Tags of what is shown, or is about to be. */
  get tags() {
    return [...this.#shown.keys()];
  }

  /** A tab in sight holds a lock, together with others in sight: so the one that speaks knows of them. */
  #updateLookingLock() {
    this.#releaseLock?.();
    this.#releaseLock = undefined;
    if (this.#attention.isAway) return;
    const lookedAway = new Promise((resolve) => (this.#releaseLock = () => resolve(undefined)));
    navigator.locks?.request(this.#lookingKey, {mode: "shared"}, () => lookedAway);
  }

  async #isLookedAt() {
    const held = (await navigator.locks?.query())?.held ?? [];
    return !this.#attention.isAway || held.some(({name}) => name === this.#lookingKey);
  }
}
