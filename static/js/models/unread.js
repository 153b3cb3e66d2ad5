// @ts-check
/**
 * Owns how many messages are unread, for who shows the number and no message: what `ready` said, and what was heard
 * since. Counts none of muted conversations. Leaves the connection to chat-socket.js.
 */

/**
 * @typedef {{withUserId: string, end: number, before: number, since: number[]}} Count of a conversation: `before` were
 *   unread up to `end`, its last `seq` as `ready` said; `since` are the seqs of the other one's that came after it
 * @typedef {{conversationId?: string}} Named
 */

export class Unread {
  #me = "";
  /** @type {Map<string | undefined, Count>} conversationId -> count */
  #counts = new Map();
  /** @type {Set<string>} as the server writes them */
  #muted = new Set();

  get count() {
    const counted = [...this.#counts.values()].filter(({withUserId}) => !this.#muted.has(withUserId));
    return counted.reduce((sum, {before, since}) => sum + before + since.length, 0);
  }

  /** @param {import("../chat-socket.js").Ready} ready */
  applyReady({userId, conversations = [], settings = []}) {
    this.#me = userId;
    this.#muted = new Set(settings.filter(({muted}) => muted).map(({withUserId}) => withUserId));
    this.#counts = new Map(conversations.map((/** @type {import("../chat-socket.js").Standing & Named} */ standing) => {
      const {conversationId, withUserId, lastSeq, unread} = standing;
      return [conversationId, {withUserId, end: lastSeq, before: unread, since: []}];
    }));
  }

  /** @param {import("../chat-socket.js").Chat & Named} chat */
  receive({conversationId, fromUserId, toUserId, seq}) {
    if (fromUserId === toUserId) return;
    const withUserId = fromUserId === this.#me ? toUserId : fromUserId;
    const count = this.#counts.get(conversationId) ?? {withUserId, end: 0, before: 0, since: []};
    this.#counts.set(conversationId, count);
    if (fromUserId !== this.#me && seq > count.end && !count.since.includes(seq)) count.since.push(seq);
  }

  /** @param {import("../chat-socket.js").Receipt & Named} receipt */
  applyReceipt({conversationId, userId, read}) {
    const count = this.#counts.get(conversationId);
    if (!count || userId !== this.#me) return;
    count.before = Math.max(0, Math.min(count.before, count.end - read));
    count.since = count.since.filter((seq) => seq > read);
  }

  /** @param {{settings: import("../chat-socket.js").Settings}} event */
  applySettings({settings: {withUserId, muted}}) {
    if (muted) this.#muted.add(withUserId);
    else this.#muted.delete(withUserId);
  }
}
