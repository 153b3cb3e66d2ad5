// @ts-check
/**
 * Owns telling the server what was seen and dismissed here: one after the other, and again after a while, or with the
 * next connection, what it could not take in. Leaves the notifications themselves to notifications.js.
 */

/** What the server could not take in is told again after this, or with the next connection. */
const TELL_AGAIN_MS = 5000;

/** @typedef {"seen" | "dismiss"} ReportType */
/** @typedef {{notificationId: number} | {upTo: number}} Which one, or all up to one */

export class NoticeReports {
  #tell;
  /** @type {Map<number, ReportType>} id -> what the server has not acknowledged yet */
  #scheduled = new Map();
  /** @type {Map<ReportType, number>} the same of all up to an id */
  #upTo = new Map();
  #isFlushing = false;

  /** @param {(type: ReportType, which: Which) => Promise<unknown>} tell rejects with a ChatError */
  constructor(tell) {
    this.#tell = tell;
  }

  /** @param {ReportType} type @param {number} id */
  schedule(type, id) {
    this.#scheduled.set(id, type);
    this.flush();
  }

  /** @param {ReportType} type @param {number} upTo */
  scheduleUpTo(type, upTo) {
    this.#upTo.set(type, upTo);
    this.flush();
  }

  /** What the server is still to hear of this one. @param {number | string} id @returns {ReportType | undefined} */
  typeOf(id) {
    if (typeof id === "string") return undefined;
    const covers = (/** @type {ReportType} */ type) => id <= (this.#upTo.get(type) ?? 0);
    return covers("dismiss") ? "dismiss" : (this.#scheduled.get(id) ?? (covers("seen") ? "seen" : undefined));
  }

  forget() {
    this.#scheduled.clear();
    this.#upTo.clear();
  }

  /** One after the other: somebody who comes back to fifty of them is not a flood. */
  async flush() {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      while (this.#upTo.size || this.#scheduled.size) await this.#tellNext();
    } catch (error) {
      if (/** @type {import("../chat-socket.js").ChatError} */ (error).retry === "later") setTimeout(() => this.flush(), TELL_AGAIN_MS);
    } finally {
      this.#isFlushing = false;
    }
  }

  async #tellNext() {
    const [all] = this.#upTo;
    const [one] = this.#scheduled;
    await (all ? this.#tell(all[0], {upTo: all[1]}) : this.#tell(one[1], {notificationId: one[0]})).catch((error) => {
      if (error.retry === "later" || error.retry === "online") throw error;
    });
    if (all && this.#upTo.get(all[0]) === all[1]) this.#upTo.delete(all[0]);
    else if (!all && this.#scheduled.get(one[0]) === one[1]) this.#scheduled.delete(one[0]);
  }
}
