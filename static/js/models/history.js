// @ts-check
/**
 * Owns fetching: the list of conversations, what this tab missed, and older messages when somebody scrolls.
 * Leaves what becomes of it to the conversations. Told of a connection by `sync`; whatever fails is tried again.
 * Events: `problem` {error}, for what trying again does not mend.
 */
import {ChatError} from "../chat-socket.js";
import {KEPT_MESSAGES} from "./conversation.js";

/** @typedef {import("../chat-api.js").ChatApi} ChatApi */
/** @typedef {import("./conversation.js").Conversation} Conversation */
/** @typedef {import("./conversations.js").Conversations} Conversations */

/** Messages in one answer: a screen or two when somebody scrolls, more when catching up. */
const PAGE = 50;
const LONG_PAGE = 200;
const LIST_PAGE = 50;
const RETRY_SECONDS = 5;

export class History extends EventTarget {
  #api;
  #conversations;
  /** @type {string | null | undefined} where the list goes on; null: it is complete, undefined: not asked yet */
  #cursor;
  #isListing = false;
  /** Asked for and not answered: the one on its way, and those who came after it. */
  #refreshes = 0;
  /** @type {Map<Conversation, Promise<void>>} fetches of one conversation follow one another */
  #queues = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {ChatApi} api @param {Conversations} conversations */
  constructor(api, conversations) {
    super();
    this.#api = api;
    this.#conversations = conversations;
  }

  /** There is a new connection: fetches the list, and what was missed in each conversation, the open one first. */
  async sync() {
    clearTimeout(this.#timer);
    const error = await this.#attempt(async () => {
      await this.#fetchList(true);
      for (let page = 0; page < 1000 / LIST_PAGE && this.#cursor && this.#conversations.hasUnlisted; page += 1) await this.#fetchList();
    });
    if (error) this.#timer = setTimeout(() => this.sync(), RETRY_SECONDS * 1000);
    const {opened, list} = this.#conversations;
    for (const conversation of new Set(opened ? [opened, ...list] : list)) {
      await this.#fetchPointers(conversation);
      await this.#fillGap(conversation);
      const isEnough = conversation.heldFrom <= conversation.received + 1 || conversation.messages.length >= PAGE;
      if (!isEnough) await this.loadOlder(conversation);
      if (!conversation.hasGap && !conversation.isStuck) this.#conversations.markReceived(conversation);
    }
  }

  /** What is held is of another epoch: the list begins at its beginning. */
  forget() {
    this.#cursor = undefined;
  }

  /** The next page of the list. */
  async loadMore() {
    if (this.#cursor && !this.#isListing) await this.#attempt(() => this.#fetchList());
  }

  /** The newest page of the list again. Those who ask while an answer is on its way share one more. */
  async refresh() {
    this.#refreshes += 1;
    if (this.#refreshes > 1) return;
    while (this.#refreshes) {
      this.#refreshes = 1;
      await this.#attempt(async () => this.#conversations.applyOverviews(await this.#api.conversations({limit: LIST_PAGE})));
      this.#refreshes -= 1;
    }
  }

  /** A message came, and others before it did not. @param {Conversation} conversation */
  async catchUp(conversation) {
    await this.#fillGap(conversation);
    if (!conversation.hasGap) this.#conversations.markReceived(conversation);
  }

  /** The page of messages before those held. @param {Conversation} conversation */
  async loadOlder(conversation) {
    if (!conversation.hasOlder) return;
    await this.#enqueue(conversation, "older", () => this.#fetchBefore(conversation), true);
  }

  /** The page of messages after those held, for one who has read far up. @param {Conversation} conversation */
  async loadNewer(conversation) {
    if (!conversation.isParted || conversation.loading) return;
    await this.#enqueue(conversation, "newer", () => this.#fetchAfter(conversation, PAGE)); // what is on the screen stays held
  }

  /** From far up to the newest message. @param {Conversation} conversation */
  async loadNewest(conversation) {
    if (!conversation.isParted) return;
    conversation.clear();
    await this.#enqueue(conversation, "older", () => this.#fetchBefore(conversation), true);
  }

  /** The messages around one of them, which may be far up; what is held stays until they are here. @param {Conversation} conversation @param {number} seq */
  async loadAround(conversation, seq) {
    await this.#enqueue(conversation, "older", () => this.#fetchAround(conversation, seq));
  }

  /** The first message since a day began, with those around it. @param {Conversation} conversation @param {Date} date @returns {Promise<number | undefined>} its seq; 0: there is none; undefined: the server did not say */
  async loadDay(conversation, date) {
    /** @type {number | undefined} */
    let seq;
    await this.#attempt(async () => {
      const {messages} = await this.#api.messages(conversation.withUserId, {since: date.toISOString(), limit: 1});
      seq = messages[0]?.seq ?? 0;
    });
    if (seq) await this.loadAround(conversation, seq);
    return seq;
  }

  /** Fetches what is missing at the end; after a very long absence the newest page, and the rest stays above. @param {Conversation} conversation */
  async #fillGap(conversation) {
    await this.#enqueue(conversation, "newer", async () => {
      if (conversation.lastSeq - conversation.heldTo > KEPT_MESSAGES) {
        conversation.clear();
        await this.#fetchBefore(conversation);
      }
      while (conversation.hasGap) await this.#fetchAfter(conversation, LONG_PAGE);
    });
    if (conversation.hasGap) setTimeout(() => this.catchUp(conversation), RETRY_SECONDS * 1000);
  }

  /** @param {boolean} [anew] */
  async #fetchList(anew = false) {
    this.#isListing = true;
    try {
      const page = await this.#api.conversations({cursor: anew ? undefined : this.#cursor, limit: LIST_PAGE});
      if (!anew || this.#cursor === undefined) this.#cursor = page.next;
      this.#conversations.applyOverviews(page);
    } finally {
      this.#isListing = false;
    }
  }

  /** How far I have read it, where it is so far down the list that nobody has told. @param {Conversation} conversation */
  async #fetchPointers(conversation) {
    if (!this.#cursor || !conversation.awaitsPointers || !conversation.messages.length) return;
    const error = await this.#attempt(async () => this.#conversations.applyOverviews(await this.#api.conversation(conversation.withUserId)));
    if (error?.retry === "later") setTimeout(() => this.#fetchPointers(conversation), RETRY_SECONDS * 1000);
  }

  /** @param {Conversation} conversation */
  async #fetchBefore(conversation) {
    const before = conversation.messages[0]?.seq;
    const {messages, lastSeq, firstSeq = 1} = await this.#api.messages(conversation.withUserId, {before, limit: PAGE});
    conversation.firstSeq = Math.max(conversation.firstSeq, firstSeq);
    conversation.prepend(messages);
    conversation.lastSeq = Math.max(conversation.lastSeq, lastSeq);
    conversation.isKnown = true;
  }

  /** @param {Conversation} conversation @param {number} wanted a seq; where it was erased, the first that was not @returns {Promise<void>} */
  async #fetchAround(conversation, wanted) {
    const seq = Math.max(wanted, conversation.firstSeq);
    if (conversation.heldFrom <= seq && seq <= conversation.heldTo) return; // an earlier turn fetched it
    const {messages, lastSeq, firstSeq = 1} = await this.#api.messages(conversation.withUserId, {before: seq + PAGE / 2, limit: PAGE});
    conversation.firstSeq = Math.max(conversation.firstSeq, firstSeq);
    if (!messages.length && firstSeq > seq) return this.#fetchAround(conversation, firstSeq);
    conversation.clear();
    conversation.prepend(messages);
    conversation.lastSeq = Math.max(conversation.lastSeq, lastSeq);
    conversation.isKnown = true;
    conversation.isParted = conversation.heldTo < conversation.lastSeq;
  }

  /** @param {Conversation} conversation @param {number} limit */
  async #fetchAfter(conversation, limit) {
    const {messages, lastSeq, firstSeq = 1} = await this.#api.messages(conversation.withUserId, {after: conversation.heldTo, limit});
    conversation.firstSeq = Math.max(conversation.firstSeq, firstSeq);
    if (conversation.heldTo + 1 < firstSeq) { // what lay between was erased, and comes no more
      conversation.clear();
      conversation.prepend(messages);
      conversation.isKnown = true;
    }
    conversation.lastSeq = Math.max(conversation.lastSeq, lastSeq);
    if (!messages.length) throw new ChatError("internal", "The server does not have what it told of.");
    for (const message of messages) conversation.append(message);
    conversation.readUpTo(conversation.read);
  }

  /** @param {Conversation} conversation @param {"older" | "newer"} direction @param {() => Promise<void>} fetch @param {boolean} [isInSight] somebody looks at where they are to stand */
  #enqueue(conversation, direction, fetch, isInSight = false) {
    const turn = (this.#queues.get(conversation) ?? Promise.resolve()).then(async () => {
      if (direction === "newer" && !conversation.hasGap && !conversation.isParted) return; // an earlier turn did it
      conversation.loading = direction;
      this.#conversations.announceChange(conversation);
      const error = await this.#attempt(fetch, isInSight ? conversation : undefined);
      conversation.isStuck = error !== undefined;
      conversation.loading = "";
      this.#conversations.announceChange(conversation);
      await this.#fetchPointers(conversation);
    });
    this.#queues.set(conversation, turn);
    return turn;
  }

  /** @param {() => Promise<void>} fetch @param {Conversation} [place] shows what went wrong @returns {Promise<ChatError | undefined>} */
  async #attempt(fetch, place) {
    if (place) place.problem = undefined;
    try {
      await fetch();
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (error.code === "connection_lost") return error; // said once for all
      if (place) place.problem = error;
      else this.dispatchEvent(new CustomEvent("problem", {detail: {error}}));
      return error;
    }
  }
}
