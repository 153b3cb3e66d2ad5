// @ts-check
/**
 * Owns whether somebody looks at this tab: its being hidden, and five minutes in which nobody touched anything.
 * What is read, who is away, the number in the title, sound and desktop all go by it. Leaves hearing of both to others.
 * Events: `change`.
 */

/** @typedef {"online" | "away" | "offline" | "unknown"} Status `unknown`: the server tells of those only whom one shares a conversation with */

/** After so long without a key, a touch or a move of the mouse nobody looks. */
const IDLE_MS = 5 * 60 * 1000;

export class Attention extends EventTarget {
  #isHidden = false;
  #isIdle = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  constructor() {
    super();
    this.noteActivity();
  }

  get isAway() {
    return this.#isHidden || this.#isIdle;
  }

  /** @param {boolean} isHidden */
  setHidden(isHidden) {
    this.#change(() => (this.#isHidden = isHidden));
    if (!isHidden) this.noteActivity();
  }

  /** Somebody is there. */
  noteActivity() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#change(() => (this.#isIdle = true)), IDLE_MS);
    this.#change(() => (this.#isIdle = false));
  }

  /** @param {() => void} change */
  #change(change) {
    const before = this.isAway;
    change();
    if (this.isAway !== before) this.dispatchEvent(new Event("change"));
  }
}
