// @ts-check
/**
 * Owns fetching: the list of conversations, what this tab missed, and older messages when somebody scrolls.
 * Leaves what becomes of it to the conversations. Told of a connection by `sync`; whatever fails is tried again.
 * Events: `problem` {code}, for what trying again does not mend.
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
    const isFine = await this.#guard(async () => {
      await this.#list(true);
      for (let page = 0; page < 1000 / LIST_PAGE && this.#cursor && this.#conversations.hasUnlisted; page += 1) await this.#list();
    });
    if (!isFine) this.#timer = setTimeout(() => this.sync(), RETRY_SECONDS * 1000);
    const {opened, list} = this.#conversations;
    for (const conversation of opened ? [opened, ...list] : list) {
      await this.#mend(conversation);
      const isEnough = conversation.heldFrom <= conversation.received + 1 || conversation.messages.length >= PAGE;
      if (!isEnough) await this.older(conversation);
      if (!conversation.hasGap && !conversation.isStuck) this.#conversations.hold(conversation);
    }
  }

  /** The next page of the list. */
  async more() {
    if (this.#cursor && !this.#isListing) await this.#guard(() => this.#list());
  }

  /** The newest page of the list again. Those who ask while an answer is on its way share one more. */
  async refresh() {
    this.#refreshes += 1;
    if (this.#refreshes > 1) return;
    while (this.#refreshes) {
      this.#refreshes = 1;
      await this.#guard(async () => this.#conversations.learn((await this.#api.conversations({limit: LIST_PAGE})).conversations));
      this.#refreshes -= 1;
    }
  }

  /** A message came, and others before it did not. @param {Conversation} conversation */
  async catchUp(conversation) {
    await this.#mend(conversation);
    if (!conversation.hasGap) this.#conversations.hold(conversation);
  }

  /** The page of messages before those held. @param {Conversation} conversation */
  async older(conversation) {
    if (!conversation.hasOlder) return;
    await this.#inTurn(conversation, "older", () => this.#before(conversation));
  }

  /** The page of messages after those held, for one who has read far up. @param {Conversation} conversation */
  async newer(conversation) {
    if (!conversation.isParted || conversation.loading) return;
    await this.#inTurn(conversation, "newer", () => this.#after(conversation, PAGE)); // what is on the screen stays held
  }

  /** From far up to the newest message. @param {Conversation} conversation */
  async newest(conversation) {
    if (!conversation.isParted) return;
    conversation.release();
    await this.#inTurn(conversation, "older", () => this.#before(conversation));
  }

  /** The messages around one of them, which may be far up; what is held stays until they are here. @param {Conversation} conversation @param {number} seq */
  async around(conversation, seq) {
    await this.#inTurn(conversation, "older", async () => {
      if (conversation.heldFrom <= seq && seq <= conversation.heldTo) return; // an earlier turn fetched it
      const {messages, lastSeq} = await this.#api.messages(conversation.withUserId, {before: seq + PAGE / 2, limit: PAGE});
      conversation.release();
      conversation.placeBefore(messages);
      conversation.lastSeq = Math.max(conversation.lastSeq, lastSeq);
      conversation.isKnown = true;
      conversation.isParted = conversation.heldTo < conversation.lastSeq;
    });
  }

  /** Fetches what is missing at the end; after a very long absence the newest page, and the rest stays above. @param {Conversation} conversation */
  async #mend(conversation) {
    await this.#inTurn(conversation, "newer", async () => {
      if (conversation.lastSeq - conversation.heldTo > KEPT_MESSAGES) {
        conversation.release();
        await this.#before(conversation);
      }
      while (conversation.hasGap) await this.#after(conversation, LONG_PAGE);
    });
    if (conversation.hasGap) setTimeout(() => this.catchUp(conversation), RETRY_SECONDS * 1000);
  }

  /** @param {boolean} [anew] */
  async #list(anew = false) {
    this.#isListing = true;
    try {
      const {conversations, next} = await this.#api.conversations({cursor: anew ? undefined : this.#cursor, limit: LIST_PAGE});
      if (!anew || this.#cursor === undefined) this.#cursor = next;
      this.#conversations.learn(conversations);
    } finally {
      this.#isListing = false;
    }
  }

  /** @param {Conversation} conversation */
  async #before(conversation) {
    const before = conversation.messages[0]?.seq;
    const {messages, lastSeq} = await this.#api.messages(conversation.withUserId, {before, limit: PAGE});
    conversation.placeBefore(messages);
    conversation.lastSeq = Math.max(conversation.lastSeq, lastSeq);
    conversation.isKnown = true;
  }

  /** @param {Conversation} conversation @param {number} limit */
  async #after(conversation, limit) {
    const {messages, lastSeq} = await this.#api.messages(conversation.withUserId, {after: conversation.heldTo, limit});
    conversation.lastSeq = Math.max(conversation.lastSeq, lastSeq);
    if (!messages.length) throw new ChatError("internal", "The server does not have what it told of.");
    for (const message of messages) conversation.place(message);
    conversation.readUpTo(conversation.read);
  }

  /** @param {Conversation} conversation @param {"older" | "newer"} direction @param {() => Promise<void>} fetch */
  #inTurn(conversation, direction, fetch) {
    const turn = (this.#queues.get(conversation) ?? Promise.resolve()).then(async () => {
      if (direction === "newer" && !conversation.hasGap && !conversation.isParted) return; // an earlier turn did it
      conversation.loading = direction;
      this.#conversations.changed(conversation);
      conversation.isStuck = !(await this.#guard(fetch));
      conversation.loading = "";
      this.#conversations.changed(conversation);
    });
    this.#queues.set(conversation, turn);
    return turn;
  }

  /** @param {() => Promise<void>} fetch @returns {Promise<boolean>} whether it went well */
  async #guard(fetch) {
    try {
      await fetch();
      return true;
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      const {code, message} = error;
      if (code !== "connection_lost") this.dispatchEvent(new CustomEvent("problem", {detail: {code, message}}));
      return false;
    }
  }
}
