/** What older versions of Node lack of a browser, and a clock that a test moves. */

globalThis.CustomEvent ??= class CustomEvent extends Event {
  /** @param {string} type @param {{detail?: unknown}} [options] */
  constructor(type, {detail} = {}) {
    super(type);
    this.detail = detail;
  }
};

const {setTimeout: realSetTimeout, clearTimeout: realClearTimeout} = globalThis;

/** Timers that fire when `tick` says so. Put in the place of the real ones until `restore`. */
export class FakeClock {
  #now = 0;
  #lastId = 0;
  /** @type {Map<number, {at: number, act: () => void}>} */
  #timers = new Map();

  constructor() {
    Object.assign(globalThis, {
      setTimeout: (/** @type {() => void} */ act, ms = 0) => {
        this.#timers.set(++this.#lastId, {at: this.#now + ms, act});
        return this.#lastId;
      },
      clearTimeout: (/** @type {number} */ id) => this.#timers.delete(id),
    });
  }

  /** @param {number} ms */
  tick(ms) {
    this.#now += ms;
    const due = [...this.#timers].filter(([, {at}]) => at <= this.#now).sort(([, a], [, b]) => a.at - b.at);
    for (const [id, {act}] of due) if (this.#timers.delete(id)) act();
  }

  restore() {
    Object.assign(globalThis, {setTimeout: realSetTimeout, clearTimeout: realClearTimeout});
  }
}
