// @ts-check
/**
 * Owns a storage that always works: what the browser has no room for, or does not let us keep, is held in memory and
 * lost with the page. Each chat of an origin has its own part of it, by the path that it is served below.
 * Leaves what is kept to its users, and telling somebody to who listens: `unkept`, once; `change` {key, oldValue,
 * newValue}, by another tab.
 */

export class SafeStorage extends EventTarget {
  /** @type {Storage | undefined} undefined: the browser lets us keep nothing */
  #storage;
  #scope;
  /** @type {Map<string, string | null>} by key without the scope: what could not be kept, or taken away: it stands for what the storage says */
  #memory = new Map();
  /** Whether all that was to be kept was. */
  keeps = true;

  /** @param {() => Storage} open throws where cookies are blocked @param {string} [scope] what the keys of this chat begin with */
  constructor(open, scope = "") {
    super();
    this.#scope = scope;
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
    const mine = kept.filter((key) => key.startsWith(this.#scope)).map((key) => key.slice(this.#scope.length));
    return [...new Set([...mine, ...this.#memory.keys()])].filter((key) => this.getItem(key) !== null);
  }

  /** @param {string} key @returns {string | null} */
  getItem(key) {
    const held = this.#memory.get(key);
    return held === undefined ? (this.#storage?.getItem(this.#scope + key) ?? null) : held;
  }

  /** @param {string} key @param {string} value @returns {boolean} whether it outlives the page */
  setItem(key, value) {
    try {
      if (!this.#storage) throw new Error("no storage");
      this.#storage.setItem(this.#scope + key, value);
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
    this.#storage?.removeItem(this.#scope + key);
  }

  /** Another tab wrote it, as the window's `storage` event tells: what we hold is older. @param {{key: string | null, oldValue: string | null, newValue: string | null}} change `key` is null where everything was taken away */
  hear({key, oldValue, newValue}) {
    if (key !== null && !key.startsWith(this.#scope)) return;
    const mine = key && key.slice(this.#scope.length);
    if (mine) this.#memory.delete(mine);
    this.dispatchEvent(new CustomEvent("change", {detail: {key: mine, oldValue, newValue}}));
  }
}
