// @ts-check
/** Owns when notifications are out of date, by the server's clock: one timer, for whatever is next. Leaves taking them away to notifications.js. */

/** The longest that a timer of a browser can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** @typedef {import("./notifications.js").Notice} Notice */

export class NoticeExpiry {
  #list;
  #expire;
  /** The server's clock is ahead of ours by so much, in ms; it says when something expires. */
  #clockAhead = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {() => Notice[]} list @param {(due: Notice[]) => void} expire */
  constructor(list, expire) {
    this.#list = list;
    this.#expire = expire;
  }

  /** The server's time, just now. @param {string | undefined} timestamp */
  applyClock(timestamp) {
    this.#clockAhead = timestamp ? Date.parse(timestamp) - Date.now() : 0;
    this.watch();
  }

  /** @param {Notice} notice */
  isOver = ({expiresAt}) => expiresAt !== undefined && expiresAt.getTime() <= this.#now();

  /** There are others now. */
  watch() {
    clearTimeout(this.#timer);
    const next = Math.min(...this.#list().map(({expiresAt}) => expiresAt?.getTime() ?? Infinity));
    if (next === Infinity) return;
    this.#timer = setTimeout(() => {
      this.#expire(this.#list().filter(this.isOver));
      this.watch();
    }, Math.min(Math.max(0, next - this.#now()), LONGEST_TIMER_MS));
  }

  #now() {
    return Date.now() + this.#clockAhead;
  }
}
