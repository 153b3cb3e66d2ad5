// @ts-check
/**
 * Owns what was typed and not sent, of one person and for each conversation, across reloads.
 * Leaves to others when it was finished.
 */

import {nameKey} from "./names.js";

const PREFIX = "chat.draft";

export class Drafts {
  #me;
  #storage;

  /** @param {string} me @param {Storage} storage */
  constructor(me, storage) {
    this.#me = me;
    this.#storage = storage;
  }

  /** @param {string} withUserId @returns {string} empty where there is none */
  get(withUserId) {
    return this.#storage.getItem(this.#key(withUserId)) ?? "";
  }

  /** @param {string} withUserId @param {string} text empty: there is none any more */
  set(withUserId, text) {
    try {
      if (text) this.#storage.setItem(this.#key(withUserId), text);
      else this.#storage.removeItem(this.#key(withUserId));
    } catch {
      // No room: it stays in the field, and is lost with the page.
    }
  }

  /** Leaves nothing for who uses this browser next. */
  forget() {
    const mine = this.#key("");
    const keys = Array.from({length: this.#storage.length}, (_, index) => this.#storage.key(index) ?? "");
    for (const key of keys) if (key.startsWith(mine)) this.#storage.removeItem(key);
  }

  /** A name holds no colon, see names.js. @param {string} withUserId */
  #key(withUserId) {
    return `${PREFIX}:${this.#me}:${nameKey(withUserId)}`;
  }
}
