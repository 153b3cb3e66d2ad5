// @ts-check
/**
 * Owns telling the server how far I have received and read each conversation: gathered for a moment, since one
 * pointer stands for all before it, and told again when it failed. Leaves the pointers to the conversations.
 */
import {ChatError} from "../chat-socket.js";

/** A pointer waits this long for the next one to take its place. */
const GATHER_MS = 50;
/** A pointer that the server could not take waits this long. */
const RETRY_MS = 5000;

/** @typedef {"received" | "read"} Kind */

export class Receipts {
  #emit;
  /** @type {Record<Kind, Map<string, number>>} the other's userId -> seq to tell; `read` says `received` too */
  #scheduled = {received: new Map(), read: new Map()};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Of what was scheduled before `forget`, nothing is told again. */
  #generation = 0;

  /** @param {(kind: Kind, pointer: {withUserId: string, seq: number}) => Promise<unknown>} emit rejects when it failed */
  constructor(emit) {
    this.#emit = emit;
  }

  /** @param {Kind} kind @param {string} withUserId @param {number} seq */
  schedule(kind, withUserId, seq) {
    if (seq <= (this.#scheduled.read.get(withUserId) ?? 0)) return;
    this.#scheduled[kind].set(withUserId, seq);
    this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS);
  }

  /** The pointers are of another epoch. */
  forget() {
    this.#generation += 1;
    this.#scheduled = {received: new Map(), read: new Map()};
  }

  #flush() {
    this.#timer = undefined;
    const {received, read} = this.#scheduled;
    this.#scheduled = {received: new Map(), read: new Map()};
    for (const [withUserId, seq] of read) this.#send("read", withUserId, seq);
    for (const [withUserId, seq] of received) if (seq > (read.get(withUserId) ?? 0)) this.#send("received", withUserId, seq);
  }

  /** What fails with the connection is scheduled again by the next `ready`. @param {Kind} kind @param {string} withUserId @param {number} seq */
  async #send(kind, withUserId, seq) {
    const generation = this.#generation;
    const again = () => generation === this.#generation && this.schedule(kind, withUserId, seq);
    try {
      await this.#emit(kind, {withUserId, seq});
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (error.retry === "later") setTimeout(again, RETRY_MS);
    }
  }
}
