// @ts-check
/**
 * Owns the clock of typing hints, both ways: how often mine is told, how long another's is believed.
 * Leaves to others what a hint looks like and how it travels.
 */

/** While somebody types, a hint goes out this often; shorter than TYPING_SHOWN_MS, so that it does not flicker. */
const TYPING_EVERY_MS = 2000;
/** A hint that is not renewed for this long is over. */
const TYPING_SHOWN_MS = 3000;

export class Typing {
  #changed;
  /** @type {Map<string, ReturnType<typeof setTimeout>>} userId -> timer that ends the hint */
  #timers = new Map();
  /** @type {Map<string, number>} userId -> when I last told them, in ms */
  #told = new Map();

  /** @param {(userId: string, typing: boolean) => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  /** They are typing. @param {string} userId */
  receive(userId) {
    clearTimeout(this.#timers.get(userId));
    this.#timers.set(userId, setTimeout(() => this.#changed(userId, false), TYPING_SHOWN_MS));
    this.#changed(userId, true);
  }

  /** I am typing: is it time to tell them? @param {string} userId */
  isDue(userId) {
    const now = Date.now();
    if (now - (this.#told.get(userId) ?? 0) < TYPING_EVERY_MS) return false;
    this.#told.set(userId, now);
    return true;
  }

  /** My message went off, so the next key is a new beginning. @param {string} userId */
  reset(userId) {
    this.#told.delete(userId);
  }
}
