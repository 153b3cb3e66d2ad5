// @ts-check
/**
 * Owns when what waits in the outbox is sent: in order, one at a time to each person, so that none overtakes
 * another, and again after a failure that passes. Leaves keeping it to outbox.js and the way to `send`.
 */
import {ChatError} from "../chat-socket.js";

/** @typedef {import("./outbox.js").Outbox} Outbox */
/** @typedef {import("./outbox.js").Waiting} Waiting */

/** How long to wait after each further failure in a row, unless the server says how long; the last one repeats. */
const RETRY_SECONDS = [1, 2, 4, 8, 15, 30];
/** Up to this share of a wait is taken off by chance: a server that was busy should not get all of it at once. */
const JITTER = 0.5;

export class Sender {
  #outbox;
  #send;
  #online = false;
  /** @type {Set<string>} keys of those whom a message is on its way to */
  #inFlight = new Set();
  /** @type {Map<string, number>} key -> failures in a row */
  #failures = new Map();
  /** @type {Map<string, ReturnType<typeof setTimeout>>} key -> timer of the next try */
  #timers = new Map();

  /** @param {Outbox} outbox @param {(entry: Waiting) => Promise<{seq?: number, timestamp?: string}>} send */
  constructor(outbox, send) {
    this.#outbox = outbox;
    this.#send = send;
    for (const type of ["write", "change"]) outbox.addEventListener(type, (event) => this.#schedule(/** @type {CustomEvent} */ (event).detail.entry));
  }

  /** Whether there is a connection; with a new one everything is tried at once. @param {boolean} online */
  setOnline(online) {
    this.#online = online;
    if (!online) return;
    this.#failures.clear();
    this.sendAll();
  }

  /** Whatever is due. */
  sendAll() {
    for (const {toUserId, dueAt} of this.#outbox.entries) this.#scheduleAt(toUserId, dueAt);
  }

  /** @param {Waiting} entry */
  #schedule({toUserId, dueAt, delay}) {
    if (!delay) this.#scheduleAt(toUserId, dueAt);
  }

  /** @param {string} toUserId @param {number} time in ms */
  #scheduleAt(toUserId, time) {
    const key = this.#outbox.keyOf(toUserId); // two spellings are one person, whose messages keep their order
    const wait = time - Date.now();
    if (wait > 0) setTimeout(() => this.#sendNext(key), wait);
    else this.#sendNext(key);
  }

  /** @param {string} key */
  async #sendNext(key) {
    const entry = this.#online && !this.#inFlight.has(key) && this.#outbox.next(key);
    if (!entry) return;
    clearTimeout(this.#timers.get(key));
    this.#inFlight.add(key);
    const wait = await this.#trySend(entry);
    this.#inFlight.delete(key);
    if (wait) this.#timers.set(key, setTimeout(() => this.#sendNext(key), wait));
    else this.#sendNext(key);
  }

  /** @param {Waiting} entry @returns {Promise<number>} ms to wait before the next try, 0 for none */
  async #trySend(entry) {
    const {clientId} = entry;
    const key = this.#outbox.keyOf(entry.toUserId);
    try {
      const {seq = 0, timestamp = ""} = await this.#send(entry);
      this.#failures.delete(key);
      this.#outbox.settle(clientId, {seq, timestamp});
      return 0;
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      const {code, retry} = error;
      if (retry !== "later" && retry !== "online") { // something may be wrong with the message itself
        this.#outbox.fail(clientId, problemOf(error));
        return 0;
      }
      const failures = this.#failures.get(key) ?? 0;
      this.#failures.set(key, failures + 1);
      this.#outbox.postpone(clientId, code);
      if (error.retryAfter) return error.retryAfter * 1000;
      return RETRY_SECONDS[Math.min(failures, RETRY_SECONDS.length - 1)] * 1000 * (1 - JITTER * Math.random());
    }
  }
}

/** @param {ChatError} error @returns {import("./outbox.js").Problem} */
export function problemOf({code, message, field, rule, params}) {
  return {code, detail: message === code ? "" : message, field, rule, params};
}
