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
  #tell;
  /** @type {Map<string, ReturnType<typeof setTimeout>>} userId -> timer that ends the hint */
  #timers = new Map();
  /** @type {Map<string, {isDue: boolean, timer: ReturnType<typeof setTimeout>}>} userId -> whether I typed since I last told them */
  #told = new Map();

  /** @param {(userId: string, typing: boolean) => void} changed @param {(userId: string) => void} tell */
  constructor(changed, tell) {
    this.#changed = changed;
    this.#tell = tell;
  }

  /** They are typing. @param {string} userId */
  receive(userId) {
    clearTimeout(this.#timers.get(userId));
    this.#timers.set(userId, setTimeout(() => this.#changed(userId, false), TYPING_SHOWN_MS));
    this.#changed(userId, true);
  }

  /** I am typing: they are told now, or as soon as a hint is due, so that the last key counts too. @param {string} userId */
  note(userId) {
    const told = this.#told.get(userId);
    if (told) told.isDue = true;
    else this.#tellNow(userId);
  }

  /** My message went off, or what I wrote is gone: the next key is a new beginning. @param {string} userId */
  reset(userId) {
    clearTimeout(this.#told.get(userId)?.timer);
    this.#told.delete(userId);
  }

  /** @param {string} userId */
  #tellNow(userId) {
    this.#tell(userId);
    const told = {isDue: false, timer: setTimeout(() => {
      this.#told.delete(userId);
      if (told.isDue) this.#tellNow(userId);
    }, TYPING_EVERY_MS)};
    this.#told.set(userId, told);
  }
}
