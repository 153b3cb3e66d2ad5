// @ts-check
/**
 * Owns what I wrote and the server has not acknowledged: kept in the browser, so that it outlives a reload, a
 * crash of the tab and a closed laptop, and told to my other tabs. Leaves sending to sender.js.
 *
 * It is kept in localStorage: written before the next line of code runs, which IndexedDB is not; read when the
 * page begins, and told to other tabs, without code of ours. Each message has a key of its own, so that two tabs
 * never write the same one over each other. `order` counts what was written, whatever the clock says meanwhile.
 *
 * Events: `write` {entry}, `change` {entry}, `settle` {entry, ack}, `discard` {entry}, `unkept` {entry}.
 */
import {newClientId} from "../chat-socket.js";
import {Names} from "./names.js";

/**
 * @typedef {{code: string, detail: string, field?: string, rule?: string, params?: import("../chat-socket.js").Params}} Problem `detail`: the server's sentence
 * @typedef {{clientId: string, toUserId: string, toUserKey?: string, text: string, writtenAt: number, order?: number, problem?: Problem,
 *   ack?: {seq: number, timestamp: string}}} Entry
 *   What is kept. `writtenAt` in ms; `problem`: the server refused it, and a person decides what follows;
 *   `ack` stands there for a moment, to tell other tabs why the entry goes.
 * @typedef {Entry & {dueAt: number, kept: boolean, delay?: string}} Waiting
 *   `dueAt`: from then on (ms) this tab sends it; `kept`: it would survive this tab; `delay`: code of the last failure
 */

/** More than these at once nobody writes by hand; the browser has room for some 5 MB. */
const MOST_WAITING = 200;
/** Another tab's message is sent by this one too when it still waits after so long: that tab may be gone. */
const ADOPT_AFTER_MS = 10_000;

export class Outbox extends EventTarget {
  #prefix;
  #storage;
  #names;
  /** @type {Map<string, Waiting>} clientId -> entry */
  #waiting = new Map();

  /** @param {string} me @param {import("./safe-storage.js").SafeStorage} storage @param {Names} [names] */
  constructor(me, storage, names = new Names()) {
    super();
    this.#prefix = `chat.outbox.${encodeURIComponent(me)}/`;
    this.#storage = storage;
    this.#names = names;
    for (const key of storage.keys) {
      const entry = key.startsWith(this.#prefix) ? parse(storage.getItem(key)) : undefined;
      if (entry?.ack) storage.removeItem(key); // the tab was closed between the two steps of settle()
      else if (entry) this.#waiting.set(entry.clientId, {...this.#learnt(entry), dueAt: 0, kept: true});
    }
  }

  /** In the order they were written. */
  get entries() {
    return [...this.#waiting.values()].sort((a, b) => orderOf(a) - orderOf(b) || (a.clientId < b.clientId ? -1 : 1));
  }

  /** Whom it goes to, in any spelling. @param {string} toUserId */
  keyOf(toUserId) {
    return this.#names.keyOf(toUserId);
  }

  /** What this tab should send to this person next. One to a name that nobody knows yet waits. @param {string} key @param {number} now in ms */
  next(key, now = Date.now()) {
    const isNext = (/** @type {Waiting} */ {toUserId, problem, dueAt}) => this.keyOf(toUserId) === key && !this.#names.isUnasked(toUserId) && !problem && dueAt <= now;
    return this.entries.find(isNext);
  }

  /** Whether something would be lost with this tab. */
  get isAtRisk() {
    return [...this.#waiting.values()].some(({kept}) => !kept);
  }

  /** A message that I have just written. @param {string} toUserId @param {string} text */
  add(toUserId, text) {
    const order = 1 + Math.max(0, ...[...this.#waiting.values()].map(orderOf));
    const entry = {clientId: newClientId(), toUserId, text, writtenAt: Date.now(), order, dueAt: 0, kept: false};
    const isFull = this.#waiting.size >= MOST_WAITING;
    this.#put(isFull ? {...entry, problem: {code: "too_many_waiting", detail: ""}} : entry, "write", !isFull);
  }

  /** The server has it. @param {string} clientId @param {{seq: number, timestamp: string}} ack */
  settle(clientId, ack) {
    const entry = this.#waiting.get(clientId);
    if (!entry) return;
    if (entry.kept) this.#keep({...entry, ack});
    this.#remove(entry);
    this.#dispatch("settle", {entry, ack});
  }

  /** The server does not take it as it is. @param {string} clientId @param {Problem} problem */
  fail(clientId, problem) {
    const entry = this.#waiting.get(clientId);
    if (entry) this.#put({...entry, delay: undefined, problem}, "change");
  }

  /** There is nobody of this name. @param {string} toUserId @param {Problem} problem */
  failAll(toUserId, problem) {
    for (const entry of this.entries) if (entry.toUserId === toUserId && !entry.problem) this.fail(entry.clientId, problem);
  }

  /** It could not be sent just now. @param {string} clientId @param {string} code */
  postpone(clientId, code) {
    const entry = this.#waiting.get(clientId);
    if (!entry) return;
    entry.delay = code;
    this.#dispatch("change", {entry});
  }

  /** Sends a failed one again: as the same message, unless the server knows another one by its `clientId`. @param {string} clientId */
  retry(clientId) {
    const entry = this.#waiting.get(clientId);
    if (!entry?.problem) return;
    if (entry.problem.code !== "conflict") return this.#put({...entry, problem: undefined, dueAt: 0}, "change");
    this.discard(clientId);
    this.add(entry.toUserId, entry.text);
  }

  /** @param {string} clientId */
  discard(clientId) {
    const entry = this.#waiting.get(clientId);
    if (!entry) return;
    this.#remove(entry);
    this.#dispatch("discard", {entry});
  }

  /** Leaves nothing that failed for who uses this browser next; what waits to be sent stays. */
  forgetFailed() {
    for (const {clientId, problem} of this.entries) if (problem) this.discard(clientId);
  }

  /** What another tab did, as the storage's `change` tells it. @param {{key: string | null, newValue: string | null}} change */
  applyStorageChange({key, newValue}) {
    if (!key?.startsWith(this.#prefix)) return;
    const known = this.#waiting.get(key.slice(this.#prefix.length));
    const entry = parse(newValue);
    if (!entry && !known) return;
    if (!entry && known) {
      this.#waiting.delete(known.clientId);
      return this.#dispatch("discard", {entry: known});
    }
    const {ack, clientId} = /** @type {Entry} */ (entry);
    if (ack) {
      if (this.#waiting.delete(clientId)) this.#dispatch("settle", {entry: known, ack});
      return;
    }
    const heard = {...this.#learnt(/** @type {Entry} */ (entry)), dueAt: known?.dueAt ?? Date.now() + ADOPT_AFTER_MS, kept: true};
    this.#waiting.set(clientId, heard);
    this.#dispatch(known ? "change" : "write", {entry: heard});
  }

  /** @param {Waiting} entry @param {"write" | "change"} type @param {boolean} [keep] */
  #put(entry, type, keep = true) {
    entry.kept = keep && this.#keep(entry);
    this.#waiting.set(entry.clientId, entry);
    this.#dispatch(type, {entry});
    if (keep && !entry.kept) this.#dispatch("unkept", {entry});
  }

  /** @param {Entry} entry @returns {boolean} false when the browser has no room or keeps nothing */
  #keep({clientId, toUserId, text, writtenAt, order, problem, ack}) {
    const toUserKey = this.#names.isUnasked(toUserId) ? undefined : this.keyOf(toUserId);
    return this.#storage.setItem(this.#prefix + clientId, JSON.stringify({clientId, toUserId, toUserKey, text, writtenAt, order, problem, ack}));
  }

  /** The server need not be asked again whose name it is. @param {Entry} entry */
  #learnt(entry) {
    if (entry.toUserKey) this.#names.learn([entry.toUserId], {[entry.toUserId]: entry.toUserKey});
    return entry;
  }

  /** @param {Waiting} entry */
  #remove(entry) {
    this.#waiting.delete(entry.clientId);
    this.#storage.removeItem(this.#prefix + entry.clientId);
  }

  /** @param {string} type @param {{entry?: Waiting, ack?: {seq: number, timestamp: string}}} detail */
  #dispatch(type, detail) {
    this.dispatchEvent(new CustomEvent(type, {detail}));
  }
}

/** One that an older version of the page kept comes first. @param {Entry} entry */
function orderOf({order}) {
  return Number.isSafeInteger(order) ? Number(order) : 0;
}

/** What a key held, or undefined: another version of the page may have written it. @param {string | null} value @returns {Entry | undefined} */
function parse(value) {
  try {
    const entry = JSON.parse(value ?? "null");
    const isEntry = typeof entry?.clientId === "string" && typeof entry.toUserId === "string" && typeof entry.text === "string";
    return isEntry ? entry : undefined;
  } catch {
    return undefined;
  }
}
