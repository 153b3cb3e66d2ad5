import {SafeStorage} from "../../static/js/models/safe-storage.js";

/** A browser's Storage for tests; `isFull` makes it refuse. */
export class BrowserStorage {
  #items = new Map();
  isFull = false;

  get length() {
    return this.#items.size;
  }

  /** @param {number} index */
  key(index) {
    return [...this.#items.keys()][index] ?? null;
  }

  /** @param {string} key */
  getItem(key) {
    return this.#items.get(key) ?? null;
  }

  /** @param {string} key @param {string} value */
  setItem(key, value) {
    if (this.isFull) throw new DOMException("full", "QuotaExceededError");
    this.#items.set(key, String(value));
  }

  /** @param {string} key */
  removeItem(key) {
    this.#items.delete(key);
  }

  clear() {
    this.#items.clear();
  }
}

/** The page's own over it. */
export class FakeStorage extends SafeStorage {
  #browser;

  constructor(browser = new BrowserStorage()) {
    super(() => /** @type {any} */ (browser));
    this.#browser = browser;
  }

  /** @param {boolean} isFull */
  set isFull(isFull) {
    this.#browser.isFull = isFull;
  }
}
