// @ts-check
/** Owns whom I have blocked, as the server says it. Leaves asking the server to others, and tells them: `change`. */
import {nameKey} from "./names.js";

export class Blocks extends EventTarget {
  /** @type {Map<string, string>} nameKey -> userId */
  #names = new Map();

  /** In the order of the alphabet. */
  get list() {
    return [...this.#names.values()].sort((a, b) => a.localeCompare(b));
  }

  /** @param {string} userId */
  has(userId) {
    return this.#names.has(nameKey(userId));
  }

  /** All of them, as `ready` names them. @param {string[]} userIds */
  replace(userIds) {
    this.#names = new Map(userIds.map((userId) => [nameKey(userId), userId]));
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** @param {string} userId @param {boolean} isBlocked */
  set(userId, isBlocked) {
    if (isBlocked) this.#names.set(nameKey(userId), userId);
    else this.#names.delete(nameKey(userId));
    this.dispatchEvent(new CustomEvent("change"));
  }
}
