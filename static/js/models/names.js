// @ts-check
/**
 * Owns what the server said of names: the key of each, by which two spellings are one user. Makes no key itself: a
 * name that somebody typed is `unasked` until the server has said whose it is. Leaves what follows to others.
 * Events: `learn`; `found` {typed, userId}; `problem` {typed, error, isFinal}.
 */
import {ChatError} from "../chat-socket.js";

const RETRY_SECONDS = 5;

export class Names extends EventTarget {
  #find;
  /** @type {Map<string, string>} name -> its key */
  #keys = new Map();
  /** @type {Set<string>} those the server is asked for */
  #asking = new Set();

  /** @param {(typed: string) => Promise<{userId: string, keys?: Record<string, string>}>} [find] asks the server whose a name is; without it all names are taken as they are */
  constructor(find) {
    super();
    this.#find = find;
  }

  /** @param {string} name */
  keyOf(name) {
    return this.#keys.get(name) ?? name;
  }

  /** Whether the server has not said whose this name is. @param {string} name */
  isUnasked(name) {
    return this.#find !== undefined && !this.#keys.has(name);
  }

  /** Names as the server wrote them, with the `keys` beside them. @param {string[]} names @param {Record<string, string>} [keys] */
  learn(names, keys = {}) {
    const before = this.#keys.size;
    for (const name of names) this.#keys.set(name, Object.hasOwn(keys, name) ? keys[name] : name);
    if (this.#keys.size > before) this.dispatchEvent(new CustomEvent("learn"));
  }

  /** Asks whose name somebody typed, again and again where the server does not answer. @param {string} typed */
  async ask(typed) {
    if (!this.#find || this.#asking.has(typed)) return;
    this.#asking.add(typed);
    try {
      const {userId, keys} = await this.#find(typed);
      this.learn([userId], keys);
      this.learn([typed], {[typed]: this.keyOf(userId)});
      this.dispatchEvent(new CustomEvent("found", {detail: {typed, userId}}));
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      const isFinal = error.retry === "never";
      this.dispatchEvent(new CustomEvent("problem", {detail: {typed, error, isFinal}}));
      if (!isFinal) setTimeout(() => this.ask(typed), (error.retryAfter ?? RETRY_SECONDS) * 1000);
    } finally {
      this.#asking.delete(typed);
    }
  }
}
