// @ts-check
/**
 * Owns the conversations of this tab: who said what, what is unread, which one is open, what is half written.
 * Leaves sending to the socket and showing to the elements, and tells both through its events:
 * `list` (anything a list of conversations shows), `open` {conversation}, `message` {conversation, message},
 * `update` {conversation, message}, `remove` {conversation, message}.
 */

/**
 * @typedef {"sending" | "delivered" | "offline" | "failed" | "elsewhere" | "received"} MessageState
 *   `offline`: the other one was not there, the message is not kept; `elsewhere`: mine, written in another tab
 * @typedef {{text: string, mine: boolean, sentAt: Date, state: MessageState,
 *   problem?: {code: string, detail: string}}} Message
 * @typedef {{withUserId: string, messages: Message[], unread: number, typing: boolean, draft: string}} Conversation
 */

export class Conversations extends EventTarget {
  #me;
  /** @type {Map<string, Conversation>} the other's userId -> conversation, the latest first */
  #byUser = new Map();
  /** @type {Conversation | undefined} */
  #open;
  #watched = true;

  /** @param {string} me */
  constructor(me) {
    super();
    this.#me = me;
  }

  /** The latest first. */
  get list() {
    return [...this.#byUser.values()];
  }

  get opened() {
    return this.#open;
  }

  get unread() {
    return this.list.reduce((sum, conversation) => sum + conversation.unread, 0);
  }

  /** Opens the conversation with this person, and makes it if there is none; `undefined` opens none. @param {string} [withUserId] */
  open(withUserId) {
    this.#open = withUserId === undefined ? undefined : this.#with(withUserId);
    this.#read();
    this.#tell("open", {conversation: this.#open});
    this.#tell("list");
  }

  /** Whether somebody looks at the page: only then does an open conversation count as read. @param {boolean} watched */
  watch(watched) {
    this.#watched = watched;
    this.#read();
    this.#tell("list");
  }

  /** Takes in a `chat` event. My own name as the sender means: I wrote it in another tab. @param {import("../chat-socket.js").Chat} chat */
  take({fromUserId, toUserId, message, timestamp}) {
    const mine = fromUserId === this.#me;
    const conversation = this.#with(mine ? toUserId : fromUserId);
    conversation.typing = mine && conversation.typing;
    if (!mine) conversation.unread += 1;
    return this.#add(conversation, {text: message, mine, sentAt: new Date(timestamp), state: mine ? "elsewhere" : "received"});
  }

  /** A message of mine that is on its way. @param {Conversation} conversation @param {string} text */
  write(conversation, text) {
    return this.#add(conversation, {text, mine: true, sentAt: new Date(), state: "sending"});
  }

  /** What became of a message of mine. @param {Conversation} conversation @param {Message} message @param {Partial<Message>} outcome */
  settle(conversation, message, outcome) {
    Object.assign(message, outcome);
    this.#tell("update", {conversation, message});
    this.#tell("list");
  }

  /** @param {Conversation} conversation @param {Message} message */
  remove(conversation, message) {
    conversation.messages.splice(conversation.messages.indexOf(message), 1);
    this.#tell("remove", {conversation, message});
    this.#tell("list");
  }

  /** @param {string} withUserId @param {boolean} typing */
  setTyping(withUserId, typing) {
    const conversation = this.#byUser.get(withUserId);
    if (!conversation || conversation.typing === typing) return;
    conversation.typing = typing;
    this.#tell("list");
  }

  /** @param {Conversation} conversation @param {Message} message */
  #add(conversation, message) {
    conversation.messages.push(message);
    this.#byUser.delete(conversation.withUserId);
    this.#byUser = new Map([[conversation.withUserId, conversation], ...this.#byUser]);
    this.#read();
    this.#tell("message", {conversation, message});
    this.#tell("list");
    return message;
  }

  #read() {
    if (this.#open && this.#watched) this.#open.unread = 0;
  }

  /** @param {string} withUserId */
  #with(withUserId) {
    const known = this.#byUser.get(withUserId);
    if (known) return known;
    /** @type {Conversation} */
    const made = {withUserId, messages: [], unread: 0, typing: false, draft: ""};
    this.#byUser = new Map([[withUserId, made], ...this.#byUser]);
    return made;
  }

  /** @param {string} type @param {{conversation?: Conversation, message?: Message}} [detail] */
  #tell(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, {detail}));
  }
}
