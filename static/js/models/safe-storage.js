// @ts-check
/**
 * Owns a storage that always works: what the browser has no room for, or does not let us keep, is held in memory and
 * lost with the page. Leaves what is kept to its users, and telling somebody to who listens: `unkept`, once.
 */

export class SafeStorage extends EventTarget {
  /** @type {Storage | undefined} undefined: the browser lets us keep nothing */
  #storage;
  /** @type {Map<string, string | null>} what could not be kept, or taken away: it stands for what the storage says */
  #memory = new Map();
  /** Whether all that was to be kept was. */
  keeps = true;

  /** @param {() => Storage} open throws where cookies are blocked */
  constructor(open) {
    super();
    try {
      this.#storage = open();
    } catch {
      this.keeps = false;
    }
  }

  /** Whether the browser lets us keep anything. */
  get isThere() {
    return this.#storage !== undefined;
  }

  get keys() {
    const kept = Array.from({length: this.#storage?.length ?? 0}, (_, index) => this.#storage?.key(index) ?? "");
    return [...new Set([...kept, ...this.#memory.keys()])].filter((key) => this.getItem(key) !== null);
  }

  /** @param {string} key @returns {string | null} */
  getItem(key) {
    const held = this.#memory.get(key);
    return held === undefined ? (this.#storage?.getItem(key) ?? null) : held;
  }

  /** @param {string} key @param {string} value @returns {boolean} whether it outlives the page */
  setItem(key, value) {
    try {
      if (!this.#storage) throw new Error("no storage");
      this.#storage.setItem(key, value);
      this.#memory.delete(key);
      return true;
    } catch {
      this.#memory.set(key, value);
      const isFirst = this.keeps;
      this.keeps = false;
      if (isFirst) this.dispatchEvent(new Event("unkept"));
      return false;
    }
  }

  /** @param {string} key */
  removeItem(key) {
    this.#memory.delete(key);
    this.#storage?.removeItem(key);
  }

  /** Another tab wrote it: what we hold is older. @param {string | null} key */
  forget(key) {
    if (key !== null) this.#memory.delete(key);
  }
}
