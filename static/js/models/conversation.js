// @ts-check
/**
 * Owns one conversation as this tab knows it: a run of its messages without gaps, what I wrote and is not stored
 * yet, and how far each side has received and read. Leaves fetching to history.js and telling to conversations.js.
 */

/** So many messages are held, and stand on the page, at most; further ones are fetched again when somebody scrolls. */
export const KEPT_MESSAGES = 250;

/** @typedef {import("../chat-socket.js").Chat} Chat */
/** @typedef {import("../chat-socket.js").Standing} Standing */
/** @typedef {import("../chat-api.js").Overview} Overview */
/** @typedef {import("./outbox.js").Waiting} Waiting */
/**
 * @typedef {{seq: number, clientId?: string, text: string, mine: boolean, sentAt: Date, waiting?: Waiting}} Message
 *   `seq` is 0 and `waiting` is there while it is not stored
 * @typedef {"theirs" | "waiting" | "failed" | "stored" | "received" | "read"} MessageState
 */

export class Conversation {
  /** @type {Message[]} stored ones, `seq` growing by one */
  messages = [];
  /** @type {Message[]} mine that are not stored, in the order they were written; they stand below the others */
  pending = [];
  /** @type {Message | undefined} the newest one stored, which need not be held */
  newest;
  /** The last message's `seq`, as far as anybody told this tab. */
  lastSeq = 0;
  /** What lies before it was erased. */
  firstSeq = 1;
  /** The last change of messages that were written before. */
  change = 0;
  /** Pointers: up to which `seq` I, and they, have received and read. */
  received = 0;
  read = 0;
  theirReceived = 0;
  theirRead = 0;
  unread = 0;
  typing = false;
  /** @type {import("./presence.js").Status} of the other one */
  presence = "unknown";
  /** @type {Date | undefined} since when they are offline, where anybody knows */
  lastSeen;
  draft = "";
  /** Somebody typed the name, and the server has not said yet whose it is; or why it does not say. */
  isUnasked = false;
  /** @type {import("../chat-socket.js").ChatError | undefined} */
  nameProblem;
  /** Where "new messages" stands: before the first of theirs from this `seq` on; 0: nowhere. */
  newFrom = 0;
  /** @type {"" | "older" | "newer"} what is being fetched */
  loading = "";
  /** Fetching failed; until the next connection only a person asks again. */
  isStuck = false;
  /** Why fetching older ones failed. @type {import("../chat-socket.js").ChatError | undefined} */
  problem;
  /** Whether the server was asked: otherwise nobody knows if there are messages. */
  isKnown = false;
  /** Somebody reads so far up that the newest messages are not held. */
  isParted = false;
  /** Whether the server has said how far I have read. */
  isTold = false;
  #madeAt = new Date();
  /** `lastSeq` before the connection was made that `ready` speaks of. */
  #lastSeqBefore = 0;

  /** @param {string} withUserId */
  constructor(withUserId) {
    this.withUserId = withUserId;
  }

  /** What the list shows of it. */
  get last() {
    return this.pending.at(-1) ?? this.newest;
  }

  /** When something last happened, in ms. */
  get touchedAt() {
    return (this.last?.sentAt ?? this.#madeAt).getTime();
  }

  get heldFrom() {
    return this.messages[0]?.seq ?? this.lastSeq + 1;
  }

  get heldTo() {
    return this.messages.at(-1)?.seq ?? 0;
  }

  get isAtStart() {
    return this.heldFrom <= this.firstSeq && (this.isKnown || this.messages.length > 0);
  }

  /** Who shows it could ask for more above. */
  get hasOlder() {
    return !this.isAtStart && !this.loading && !this.isUnasked;
  }

  /** Messages are missing at the end that should be there. */
  get hasGap() {
    return !this.isParted && this.messages.length > 0 && this.heldTo < this.lastSeq;
  }

  /** Its messages were fetched before anybody knows which of them are new. */
  get awaitsPointers() {
    return !this.isTold && this.isKnown;
  }

  /** The first unread message lies above those that are held. */
  get lacksUnread() {
    return this.unread > 0 && this.messages.length > 0 && this.heldFrom > Math.max(this.read + 1, this.firstSeq);
  }

  /** @param {Message} message @returns {MessageState} */
  stateOf({mine, seq, waiting}) {
    if (!mine) return "theirs";
    if (waiting) return waiting.problem ? "failed" : "waiting";
    return seq <= this.theirRead ? "read" : seq <= this.theirReceived ? "received" : "stored";
  }

  /**
   * Takes in a stored message at the end. One that is held is passed over; one that leaves a gap only counts.
   * @param {Chat} chat @returns {boolean} whether it is new here
   */
  append(chat) {
    const isNews = chat.seq > this.lastSeq;
    const isEmpty = this.messages.length === 0 && !this.isParted;
    const isNext = isEmpty ? chat.seq >= this.lastSeq : chat.seq === this.heldTo + 1;
    if (!isNews && !isNext) return false;
    const message = this.#messageOf(chat);
    if (isNews) this.lastSeq = chat.seq;
    if (chat.seq >= (this.newest?.seq ?? 0)) this.newest = message;
    if (!isNext) return isNews;
    this.messages.push(message);
    if (this.heldTo === this.lastSeq) this.isParted = false;
    if (this.messages.length > KEPT_MESSAGES) this.messages.splice(0, this.messages.length - KEPT_MESSAGES);
    return isNews;
  }

  /** Takes in what stands directly before the messages held, oldest first. @param {Chat[]} chats */
  prepend(chats) {
    const older = this.messages.length ? chats.filter(({seq}) => seq < this.heldFrom) : chats;
    const next = older.at(-1);
    if (!next || (this.messages.length && next.seq !== this.heldFrom - 1)) return;
    this.messages.unshift(...older.map((chat) => this.#messageOf(chat)));
    this.lastSeq = Math.max(this.lastSeq, next.seq);
    if (next.seq >= (this.newest?.seq ?? 0)) this.newest = this.#find(next.seq);
    if (this.messages.length <= KEPT_MESSAGES) return;
    this.messages.length = KEPT_MESSAGES;
    this.isParted = true;
  }

  /** Forgets the messages held, in order to fetch them anew from the end. */
  clear() {
    this.messages = [];
    this.isParted = this.isStuck = this.isKnown = false;
  }

  /** Forgets all that the server said of it. */
  beginAnew() {
    this.clear();
    this.newest = undefined;
    this.firstSeq = 1;
    this.change = 0;
    this.#lastSeqBefore = this.lastSeq = this.received = this.read = this.theirReceived = this.theirRead = 0;
    this.unread = this.newFrom = 0;
  }

  beginConnection() {
    this.#lastSeqBefore = this.lastSeq;
  }

  /** What the server says of it; one that is behind what we knew has begun anew. @param {Standing} standing */
  applyStanding({firstSeq = 1, change = 0, lastSeq, received, read, theirReceived, theirRead, unread = 0}) {
    if (lastSeq < this.#lastSeqBefore) this.beginAnew();
    this.isTold = true;
    this.firstSeq = Math.max(this.firstSeq, firstSeq);
    if (change > this.change) this.#dropErased(change, lastSeq);
    this.lastSeq = Math.max(this.lastSeq, lastSeq);
    this.received = Math.max(this.received, received);
    this.theirReceived = Math.max(this.theirReceived, theirReceived);
    this.theirRead = Math.max(this.theirRead, theirRead);
    this.unread = Math.max(this.unread, unread); // those that are not held nobody can count here
    this.readUpTo(read);
  }

  /** @param {import("./presence.js").Status | undefined} status @param {string} [lastSeen] */
  applyPresence(status, lastSeen) {
    this.presence = status ?? "unknown";
    if (status === "offline") this.typing = false;
    this.lastSeen = lastSeen ? new Date(lastSeen) : undefined;
  }

  /** What is unread from here on is new. */
  markNew() {
    this.newFrom = this.unread ? this.read + 1 : 0;
  }

  /** @param {Overview} overview */
  applyOverview(overview) {
    this.isKnown = true;
    const {unread, lastMessage, lastSeq, received, read, theirReceived, theirRead} = overview;
    const isStale = lastSeq < this.lastSeq; // a message came while this was on its way
    if (!isStale) this.applyStanding(overview);
    if (lastMessage && !isStale && !this.hasGap && !this.isParted) this.append(lastMessage);
    if (lastMessage && lastSeq >= (this.newest?.seq ?? 0)) this.newest = this.#find(lastSeq) ?? this.#messageOf(lastMessage);
    this.isTold = true; // pointers only move forward: those of a stale one count too
    this.applyPointers(false, theirReceived, theirRead);
    this.applyPointers(true, received, read);
    this.unread = unread + this.#countTheirsAfter(lastSeq);
    this.readUpTo(this.read);
  }

  /** A receipt moves my pointers, or theirs. @param {boolean} mine @param {number} received @param {number} read */
  applyPointers(mine, received, read) {
    if (mine) this.readUpTo(read);
    if (mine) this.received = Math.max(this.received, received);
    if (!mine) this.theirRead = Math.max(this.theirRead, read);
    if (!mine) this.theirReceived = Math.max(this.theirReceived, received, read);
  }

  /** I have read so far, here or elsewhere. @param {number} seq */
  readUpTo(seq) {
    const before = this.#countTheirsAfter(this.read);
    this.read = Math.max(this.read, seq);
    this.received = Math.max(this.received, this.read);
    const isCounted = this.heldFrom <= Math.max(this.read + 1, this.firstSeq) && !this.isParted;
    const after = this.#countTheirsAfter(this.read);
    this.unread = isCounted ? after : Math.max(0, Math.min(this.unread - before + after, this.lastSeq - this.read));
  }

  /** @param {Waiting} entry */
  putPending(entry) {
    const known = this.findPending(entry.clientId);
    if (known) known.waiting = entry;
    else this.pending.push({seq: 0, clientId: entry.clientId, text: entry.text, mine: true, sentAt: new Date(entry.writtenAt), waiting: entry});
  }

  /** @param {string | undefined} clientId */
  findPending(clientId) {
    return clientId === undefined ? undefined : this.pending.find((message) => message.clientId === clientId);
  }

  /** It waits no longer: it was stored, or taken back. @param {string} clientId */
  removePending(clientId) {
    this.pending = this.pending.filter((message) => message.clientId !== clientId);
  }

  /** The last one stays, without its text: it is fetched again. @param {number} change @param {number} lastSeq */
  #dropErased(change, lastSeq) {
    this.change = change;
    if (this.messages.length && this.firstSeq === lastSeq) this.clear();
    this.messages = this.messages.filter(({seq}) => seq >= this.firstSeq);
  }

  /** @param {number} seq */
  #find(seq) {
    return this.messages[seq - this.heldFrom];
  }

  /** @param {number} seq */
  #countTheirsAfter(seq) {
    return this.messages.filter((message) => !message.mine && message.seq > seq).length;
  }

  /** The same object if it is one of those that wait: its row on the page stays the same. @param {Chat} chat @returns {Message} */
  #messageOf({seq, clientId, fromUserId, message, timestamp}) {
    const mine = fromUserId !== this.withUserId;
    const known = mine ? this.findPending(clientId) : undefined;
    if (known && clientId) this.removePending(clientId);
    const fields = {seq, clientId, text: message, mine, sentAt: new Date(timestamp), waiting: undefined};
    return known ? Object.assign(known, fields) : fields;
  }
}
