// @ts-check
/**
 * Owns what was typed and not sent, of one person and for each conversation, across reloads.
 * All tabs of one person share them: what one writes or sends stands in the others, where they have written nothing else.
 * Leaves to others when it was finished.
 */

import {nameKey} from "./names.js";

const PREFIX = "chat.draft";

export class Drafts {
  #me;
  #storage;

  /** @param {string} me @param {import("./safe-storage.js").SafeStorage} storage */
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
    if (text) this.#storage.setItem(this.#key(withUserId), text);
    else this.#storage.removeItem(this.#key(withUserId));
  }

  /**
   * What another tab did, as the window's `storage` event tells it.
   * @param {{key: string | null, oldValue: string | null, newValue: string | null}} change @param {string} withUserId @param {string} draft what this tab has
   * @returns {string | undefined} what it should have; undefined: it stays
   */
  read({key, oldValue, newValue}, withUserId, draft) {
    return key === this.#key(withUserId) && draft === (oldValue ?? "") ? (newValue ?? "") : undefined;
  }

  /** Leaves nothing for who uses this browser next. */
  forget() {
    const mine = this.#key("");
    for (const key of this.#storage.keys) if (key.startsWith(mine)) this.#storage.removeItem(key);
  }

  /** A name holds no colon, see names.js. @param {string} withUserId */
  #key(withUserId) {
    return `${PREFIX}:${this.#me}:${nameKey(withUserId)}`;
  }
}
