// @ts-check
/**
 * Owns what was typed and not sent, of one person and for each conversation, across reloads.
 * All tabs of one person share them: what one writes or sends stands in the others, where they have written nothing else.
 * Leaves to others when it was finished.
 */

import {Names} from "./names.js";

const PREFIX = "chat.draft";

export class Drafts {
  #me;
  #storage;
  #names;

  /** @param {string} me @param {import("./safe-storage.js").SafeStorage} storage @param {Names} [names] */
  constructor(me, storage, names = new Names()) {
    this.#me = me.replace(/[%:]/g, encodeURIComponent); // a name holds neither, a site's own id may
    this.#storage = storage;
    this.#names = names;
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
   * What another tab did, as the storage's `change` tells it.
   * @param {{key: string | null, oldValue: string | null, newValue: string | null}} change @param {string} withUserId @param {string} draft what this tab has
   * @returns {string | undefined} what it should have; undefined: it stays
   */
  read({key, oldValue, newValue}, withUserId, draft) {
    return key === this.#key(withUserId) && draft === (oldValue ?? "") ? (newValue ?? "") : undefined;
  }

  /** What was written to a name before anybody knew whose it is goes to that person. @param {string} typed @param {string} withUserId @param {string} text */
  move(typed, withUserId, text) {
    this.#storage.removeItem(`${PREFIX}:${this.#me}:${typed}`);
    const both = [this.get(withUserId), text].filter(Boolean).join("\n");
    this.set(withUserId, both);
    return both;
  }

  /** Leaves nothing for who uses this browser next. */
  forget() {
    const mine = `${PREFIX}:${this.#me}:`;
    for (const key of this.#storage.keys) if (key.startsWith(mine)) this.#storage.removeItem(key);
  }

  /** @param {string} withUserId */
  #key(withUserId) {
    return `${PREFIX}:${this.#me}:${this.#names.keyOf(withUserId)}`;
  }
}
