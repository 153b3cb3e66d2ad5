// @ts-check
/**
 * Owns what I have set for conversations, as the server says it: muted, marked as unread, hidden. Leaves asking the server
 * to others, and tells them: `change`.
 */
import {Names} from "./names.js";

/** @typedef {import("../chat-socket.js").Settings} Settings */

const NOTHING = Object.freeze({muted: false, markedUnread: false, hiddenSeq: 0});

export class ConversationSettings extends EventTarget {
  #names;
  /** @type {Map<string, Settings>} key of the other's userId -> what is set */
  #set = new Map();

  /** @param {Names} [names] */
  constructor(names = new Names()) {
    super();
    this.#names = names;
  }

  /** @param {string} withUserId @returns {Settings} */
  of(withUserId) {
    return {...NOTHING, ...this.#set.get(this.#names.keyOf(withUserId)), withUserId};
  }

  /** Whether the list leaves it out: nothing came since it was hidden. @param {import("./conversation.js").Conversation} conversation */
  hides({withUserId, lastSeq, pending}) {
    const {hiddenSeq} = this.of(withUserId);
    return hiddenSeq > 0 && lastSeq <= hiddenSeq && !pending.length;
  }

  /** All that is set, as `ready` names it. @param {Settings[]} all */
  replace(all) {
    this.#set = new Map(all.map((settings) => [this.#names.keyOf(settings.withUserId), settings]));
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** @param {Settings} settings */
  put(settings) {
    this.#set.set(this.#names.keyOf(settings.withUserId), settings);
    this.dispatchEvent(new CustomEvent("change"));
  }
}
