// @ts-check
/** Owns whom I have blocked, as the server says it. Leaves asking the server to others, and tells them: `change`. */
import {Names} from "./names.js";

export class Blocks extends EventTarget {
  #names;
  /** @type {Map<string, string>} key -> userId */
  #blocked = new Map();

  /** @param {Names} [names] */
  constructor(names = new Names()) {
    super();
    this.#names = names;
  }

  /** In the order of the alphabet. */
  get list() {
    return [...this.#blocked.values()].sort((a, b) => a.localeCompare(b));
  }

  /** @param {string} userId */
  has(userId) {
    return this.#blocked.has(this.#names.keyOf(userId));
  }

  /** All of them, as `ready` names them. @param {string[]} userIds */
  replace(userIds) {
    this.#blocked = new Map(userIds.map((userId) => [this.#names.keyOf(userId), userId]));
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** @param {string} userId @param {boolean} isBlocked */
  set(userId, isBlocked) {
    const key = this.#names.keyOf(userId);
    if (isBlocked) this.#blocked.set(key, userId);
    else this.#blocked.delete(key);
    this.dispatchEvent(new CustomEvent("change"));
  }
}
