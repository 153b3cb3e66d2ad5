// @ts-check
/**
 * Owns the conversations of this tab: which there are, which one is open, and what news means for each.
 * Leaves fetching to history.js, sending to the outbox, showing to the elements, and tells all of them:
 * `list` (anything a list of conversations shows), `open` {conversation}, `messages` {conversation},
 * `heard` {conversation, message} (another's, just now), `gap` {conversation}, `unknown` (somebody wrote whom
 * the list does not have), `unasked` {name} (nobody knows whose it is), `forget` (the server's database is another one), `received` and `read` {conversation, seq} (pointers of mine), `stored` {clientId, seq, timestamp}.
 */
import {Conversation} from "./conversation.js";
import {ConversationSettings} from "./conversation-settings.js";
import {Names} from "./names.js";

/** @typedef {import("./outbox.js").Waiting} Waiting */
/** @typedef {import("../chat-socket.js").Chat} Chat */

export class Conversations extends EventTarget {
  #me;
  #names;
  #settings;
  /** @type {string | undefined} of what is held */
  #epoch;
  /** @type {Map<string, Conversation>} key of the other's userId -> conversation */
  #byUser = new Map();
  /** @type {Map<string, import("../chat-socket.js").Standing>} key of the other's userId -> what `ready` said of it */
  #standings = new Map();
  /** Whether `ready` told of all that there were. */
  #isAllTold = false;
  /** @type {Conversation | undefined} */
  #open;
  #watched = true;
  /** The last `seq` of the open conversation that was on the screen. */
  #seen = 0;

  /** @param {string} me @param {Names} [names] @param {ConversationSettings} [settings] */
  constructor(me, names = new Names(), settings = new ConversationSettings(names)) {
    super();
    this.#me = me;
    this.#settings = settings;
    this.#names = names;
  }

  /** The latest first, those too that somebody has hidden. */
  get list() {
    return [...this.#byUser.values()].filter((one) => !one.isUnasked || one.pending.length).sort((a, b) => b.touchedAt - a.touchedAt);
  }

  /** Whether there is none: not before the server has told of those there are. */
  get isEmpty() {
    return this.#epoch !== undefined && !this.#standings.size && !this.#byUser.size;
  }

  get opened() {
    return this.#open;
  }

  /** Messages that call for me: none of muted conversations. */
  get unread() {
    return [...this.#byUser.values()].reduce((sum, one) => sum + (this.#settings.of(one.withUserId).muted ? 0 : one.unread), 0);
  }

  /** Opens the conversation with this person, and makes it if there is none; `undefined` opens none. @param {string} [withUserId] @param {Conversation} [asked] whose place it takes */
  open(withUserId, asked) {
    this.#open = withUserId === undefined ? undefined : this.#findOrMake(withUserId);
    this.#seen = 0;
    this.#open?.markNew();
    this.#dispatch("open", {conversation: this.#open, asked});
    if (this.#open?.isUnasked) this.#dispatch("unasked", {name: this.#open.withUserId});
    this.#markRead();
  }

  /** The server has said whose the name is that somebody typed. @param {string} typed @param {string} userId */
  settleName(typed, userId) {
    const asked = this.#byUser.get(typed);
    const found = this.#findOrMake(userId, true);
    if (asked && asked !== found) { // two spellings of one person's name
      this.#byUser.delete(typed);
      found.pending.push(...asked.pending);
      if (asked === this.#open) this.open(userId, asked);
    }
    this.announceChange(found);
  }

  /** Why the server does not say whose it is. @param {string} typed @param {import("../chat-socket.js").ChatError} error */
  noteProblem(typed, error) {
    const asked = this.#byUser.get(typed);
    if (!asked?.isUnasked) return;
    asked.nameProblem = error;
    this.announceChange(asked);
  }

  /** Whether somebody looks at the page: only then does an open conversation count as read. @param {boolean} watched */
  setWatched(watched) {
    if (watched && !this.#watched) this.#seen = 0; // what went over the screen meanwhile nobody saw
    this.#watched = watched;
    if (watched && this.#open?.unread) {
      this.#open.markNew();
      this.#dispatch("messages", {conversation: this.#open});
    }
    this.#markRead();
  }

  /** Up to here the open conversation was on the screen, whether somebody looked at it or not. @param {number} seq */
  markSeen(seq) {
    if (seq <= this.#seen) return;
    this.#seen = seq;
    this.#markRead();
  }

  /** Somebody came, left or looks away. @param {import("../chat-socket.js").PresenceChange} change */
  applyPresence({userId, status, lastSeen}) {
    Object.assign(this.#standings.get(this.#names.keyOf(userId)) ?? {}, {presence: status, lastSeen});
    this.#find(userId)?.applyPresence(status, lastSeen);
    this.#dispatch("list");
  }

  /** A connection is being made: what comes over it may overtake what the server then says of each conversation. */
  beginConnection() {
    this.#isAllTold = false; // others may have begun meanwhile
    for (const conversation of this.#byUser.values()) conversation.beginConnection();
  }

  /** A new connection: what the server knows of each conversation. @param {import("../chat-socket.js").Ready} ready */
  applyReady({conversations = [], more = false, epoch}) {
    if (this.#epoch !== undefined && this.#epoch !== epoch) this.#forget();
    this.#epoch = epoch;
    this.#isAllTold = !more;
    this.#standings = new Map(conversations.map((standing) => [this.#names.keyOf(standing.withUserId), standing]));
    const nothing = {lastSeq: 0, received: 0, read: 0, theirReceived: 0, theirRead: 0, unread: 0};
    for (const conversation of this.#byUser.values()) {
      const isFirst = !conversation.isTold;
      const standing = this.#standings.get(this.#names.keyOf(conversation.withUserId)) ?? (more ? undefined : {...nothing, withUserId: ""});
      conversation.isStuck = false;
      if (standing?.withUserId) Object.assign(conversation, {withUserId: standing.withUserId, isUnasked: false});
      if (standing) this.#repeatPointers(conversation, standing);
      if (standing) conversation.applyStanding(standing);
      if (standing) conversation.applyPresence(standing.presence, standing.lastSeen);
      if (conversation === this.#open && (isFirst || conversation.unread)) conversation.markNew();
      this.#dispatch("messages", {conversation});
    }
    this.#markRead();
  }

  /** What was read of another epoch counts no more; what the person wrote, and looks at, stays. */
  #forget() {
    for (const [key, conversation] of this.#byUser) {
      conversation.beginAnew();
      if (conversation !== this.#open && !conversation.pending.length) this.#byUser.delete(key);
    }
    this.#seen = 0;
    this.#dispatch("forget");
  }

  /** Whether `ready` told of unread messages in a conversation that is not in the list yet. */
  get hasUnlisted() {
    return [...this.#standings.values()].some(({withUserId, unread}) => unread > 0 && !this.#find(withUserId));
  }

  /** A part of the list as the server has it. @param {{conversations: import("../chat-api.js").Overview[], keys?: Record<string, string>}} page */
  applyOverviews({conversations, keys}) {
    this.#names.learn(conversations.map(({withUserId}) => withUserId), keys);
    for (const overview of conversations) {
      if (this.#isMe(overview.withUserId)) continue; // no notes to oneself
      const conversation = this.#findOrMake(overview.withUserId, true);
      const isFirst = !conversation.isTold;
      conversation.applyOverview(overview);
      if (isFirst && conversation === this.#open) conversation.markNew();
      this.#dispatch("messages", {conversation});
    }
    this.#markRead();
  }

  /** Takes in a `chat` event. My own name as the sender means: I wrote it in another tab. @param {Chat} chat */
  receive(chat) {
    const {fromUserId, toUserId, clientId, seq} = chat;
    if (fromUserId === toUserId) return;
    const mine = this.#isMe(fromUserId);
    const withUserId = mine ? toUserId : fromUserId;
    const known = this.#find(withUserId);
    const isUnknown = known?.isKnown ? !known.isTold : seq > 1;
    const conversation = this.#findOrMake(withUserId, true);
    const isNew = conversation.append(chat);
    if (mine && clientId) this.#dispatch("stored", {clientId, seq, timestamp: chat.timestamp});
    if (!isNew) return;
    conversation.typing = mine && conversation.typing;
    if (!mine) conversation.unread += 1;
    this.announceMessage(conversation);
    if (!mine && !conversation.hasGap) this.markReceived(conversation);
    if (isUnknown) this.#dispatch("unknown");
    if (!mine) this.#dispatch("heard", {conversation, message: conversation.newest});
  }

  /** Something was added at its end. @param {Conversation} conversation */
  announceMessage(conversation) {
    this.announceChange(conversation);
    if (conversation.hasGap) this.#dispatch("gap", {conversation});
  }

  /** Something in it changed. @param {Conversation} conversation */
  announceChange(conversation) {
    this.#dispatch("messages", {conversation});
    this.#markRead();
  }

  /** All of it up to the end is held, or the newest part of what is long. @param {Conversation} conversation */
  markReceived(conversation) {
    if (conversation.lastSeq <= conversation.received) return;
    conversation.received = conversation.lastSeq;
    this.#dispatch("received", {conversation, seq: conversation.received});
  }

  /** @param {import("../chat-socket.js").Receipt} receipt */
  applyReceipt({userId, withUserId, received, read}) {
    const mine = this.#isMe(userId);
    const conversation = this.#find(mine ? withUserId : userId);
    if (!conversation) return;
    conversation.applyPointers(mine, received, read);
    this.announceChange(conversation);
  }

  /** A message of mine that the outbox keeps. @param {Waiting} entry */
  putPending(entry) {
    const conversation = this.#findOrMake(entry.toUserId);
    conversation.putPending(entry);
    if (conversation.isUnasked && !entry.problem) this.#dispatch("unasked", {name: entry.toUserId});
    this.announceChange(conversation);
  }

  /** It is stored. @param {Waiting} entry @param {{seq: number, timestamp: string}} ack */
  markStored({toUserId, clientId, text}, {seq, timestamp}) {
    const conversation = this.#findOrMake(toUserId);
    if (!conversation.findPending(clientId)) return;
    conversation.append({fromUserId: this.#me, toUserId, message: text, timestamp, seq, clientId});
    conversation.removePending(clientId);
    this.announceMessage(conversation);
  }

  /** It was taken back. @param {Waiting} entry */
  discard({toUserId, clientId}) {
    const conversation = this.#findOrMake(toUserId);
    conversation.removePending(clientId);
    this.announceChange(conversation);
  }

  /** @param {string} withUserId @param {boolean} typing */
  setTyping(withUserId, typing) {
    const conversation = this.#find(withUserId);
    if (!conversation || conversation.typing === typing) return;
    conversation.typing = typing;
    this.#dispatch("list");
  }

  /** What this tab has told, or meant to, and the server does not know. @param {Conversation} conversation @param {import("../chat-socket.js").Standing} standing */
  #repeatPointers(conversation, {lastSeq, received, read}) {
    if (conversation.lastSeq > lastSeq) return;
    if (conversation.read > read) this.#dispatch("read", {conversation, seq: conversation.read});
    else if (conversation.received > received) this.#dispatch("received", {conversation, seq: conversation.received});
  }

  /** What stands before somebody's eyes is read. */
  #markRead() {
    const conversation = this.#open;
    const theirs = conversation?.messages.findLast(({mine, seq}) => !mine && seq <= this.#seen)?.seq ?? 0;
    if (conversation && this.#watched && !conversation.awaitsPointers && theirs > conversation.read) {
      conversation.readUpTo(theirs);
      this.#dispatch("read", {conversation, seq: conversation.read});
    }
    this.#dispatch("list");
  }

  /** @param {string} withUserId */
  #find(withUserId) {
    return this.#byUser.get(this.#names.keyOf(withUserId));
  }

  /** Made if there is none. The server's spelling of the name takes the place of what somebody typed. @param {string} withUserId @param {boolean} [isServers] */
  #findOrMake(withUserId, isServers = false) {
    const known = this.#find(withUserId);
    if (known && isServers) Object.assign(known, {withUserId, isUnasked: false, nameProblem: undefined});
    if (known) return known;
    const key = this.#names.keyOf(withUserId);
    const standing = this.#standings.get(key);
    const made = new Conversation(standing?.withUserId ?? withUserId);
    made.isTold = this.#isAllTold;
    made.isUnasked = !isServers && !standing && this.#names.isUnasked(withUserId);
    if (standing) made.applyStanding(standing);
    if (standing) made.applyPresence(standing.presence, standing.lastSeen);
    this.#byUser.set(key, made);
    return made;
  }

  /** The server may spell my name otherwise than I did. @param {string} name */
  #isMe(name) {
    return this.#names.keyOf(name) === this.#names.keyOf(this.#me);
  }

  /** @param {string} type @param {object} [detail] */
  #dispatch(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, {detail}));
  }
}
