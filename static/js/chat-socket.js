// @ts-check
/**
 * Owns one person's connection to the chat server: opening it, saying who we are, acknowledgements, the
 * heartbeat, coming back after it is lost, and saying again what was lost with it. Leaves to others what is
 * shown, and what is kept for longer than a program runs: it knows no page and no storage, and this one file
 * is all that a program needs.
 *
 *     const socket = new ChatSocket("ws://127.0.0.1:8000/ws", {userId: "alice"});
 *     socket.on("chat", ({fromUserId, message}) => console.log(fromUserId, message));
 *     const {seq} = await socket.emit("chat", {toUserId: "bob", message: "hi"}); // stored, as number seq
 */

/**
 * How long to wait at most before each next try to connect; the last one repeats. The wait itself is any part of it,
 * by chance ("full jitter"): the clients of a restarted server come back spread over all of that time.
 */
const BACKOFF_SECONDS = [1, 2, 4, 8, 15, 30];
/** After a connection that held this long the table starts anew; a shorter one counts as one more failure. */
const STEADY_SECONDS = 10;
/** How long the server may leave a new connection, a ping or an event without an answer. */
const ANSWER_SECONDS = 10;
/** How long it may leave the ping of somebody who has just come back, who is to see what they write arrive. */
const PROBE_SECONDS = 3;
/** A clock that stood still for longer than this was asleep, and so was the network. */
const CLOCK_SECONDS = 2;
const ASLEEP_SECONDS = 10;
/** What tells a page that it is looked at again, or that the network has changed; some bubble from `document`. */
const WAKING = ["online", "visibilitychange", "resume", "pageshow", "offline"];
/** So long before a token ends the next one is asked for; of a short life its second half. */
const RENEW_BEFORE_MS = 60_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1; // a longer one would end at once
/** How many events may wait for `ready`; one more is refused. */
const WAITING_EVENTS = 100;
/** 1001 going away, 1012 service restart: the server says itself that it will be back. */
const BACK_SOON = [1001, 1012];
/**
 * 1008 policy, 45xx refused: the same try would end the same way. Agrees with the close codes in protocol.py.
 * Not 4502, no `init` in time: this class says it at once, so the network or the server was slow.
 */
const isFinal = (/** @type {number} */ code) => code === 1008 || (code >= 4500 && code < 4600 && code !== 4502);
/** code -> whether the same event may be sent again; any other code: `never`. @type {Map<string, Retry>} */
const RETRY = new Map(Object.entries({
  busy: "later", unavailable: "later", rate_limited: "later", timeout: "later", internal: "uncertain",
  not_connected: "online", connection_lost: "online", too_many_waiting: "online", ended: "online", not_initialised: "online",
}));
/** 1013 try again later; as a state of our own. */
const TRY_AGAIN_LATER = 1013;
/** 4501: the name needs a token, or the one that was shown counts no more. Another one is tried once. */
const SIGN_IN = 4501;
/** Told by this class itself, so never taken from the wire. */
const OWN_EVENTS = ["open", "close", "state"];

/** The types of all events, of which this file needs nothing to run. @import * as Wire from "../../clients/chat.js" */
/**
 * @typedef {{name: "connecting" | "online" | "waiting" | "ended" | "closed", seconds?: number,
 *   code?: number, reason?: string}} State
 *   `waiting`: the next try is in `seconds`; `ended`: by the server, for good; `closed`: by close()
 * @typedef {Record<string, string>} Keys of the names beside them that are not their own key: of two names of one user it is the same
 * @typedef {{ref: string, seq?: number, timestamp?: string, delivered?: boolean}} Ack
 * @typedef {"type" | "conversationId" | "id" | "members"} Unused by the page, which makes some of these itself
 * @typedef {Omit<Wire.ChatMessage, Unused>} Chat
 * @typedef {Omit<Wire.Standing, Unused | "presence"> & Partial<Pick<Wire.Standing, "presence">>} Standing
 * @typedef {Omit<Wire.PresenceChange, Unused>} PresenceChange
 * @typedef {Omit<Wire.Receipt, Unused>} Receipt
 * @typedef {Omit<Partial<Wire.Notification>, "id" | "level"> & {message: string, id?: string | number, level?: string}} Notification an `id` that is a number is the server's
 * @typedef {Omit<Partial<Wire.Ready>, "settings"> & Pick<Wire.Ready, "heartbeat" | "limits" | "userId"> & {settings?: Settings[]}} Ready
 * @typedef {NonNullable<Wire.Failure["params"]>} Params of a rule
 * @typedef {Omit<Wire.Failure, "type" | "field" | "ref"> & {field?: string | null, ref?: string}} Refusal
 * @typedef {Required<Wire.ConversationSettings>} Settings
 * @typedef {{ready: Ready, chat: Chat, receipt: Receipt, typing: Wire.TypingHint, presence: PresenceChange, blocking: Wire.BlockChange, profile: Wire.ProfileChange,
 *   settings: {settings: Settings, keys?: Keys}, notification: Notification, seen: Wire.Seen, dismissed: Wire.Dismissed, error: Refusal,
 *   pong: Wire.Pong, restart: {retryAfter: number}, open: {}, close: {code: number, reason: string}, state: State}} Events
 * @typedef {"connects" | "ends" | "refused"} Why a token is asked for: at a connection; before the last one ends; after it was refused
 * @typedef {"later" | "online" | "uncertain" | "never"} Retry whether the same event may be sent again: after a
 *   while, over the next connection, perhaps (the server has a fault, which may pass or meet it again), or in vain
 * @typedef {{frame: string, repeatable: boolean, sent: boolean, unsure: boolean,
 *   timer: ReturnType<typeof setTimeout>, resolve: (ack: Ack) => void, reject: (error: ChatError) => void}} Pending
 *   `sent`: over this connection; `unsure`: over any, so nobody knows whether it arrived
 */

/**
 * Why an event failed. `code` is the server's (`invalid_field`, ...) or one of this file's. The event never left:
 * `not_connected`, `too_many_waiting`, `too_big`, `ended`. It left, and nobody knows whether it arrived:
 * `timeout`, `connection_lost`. `retry` says whether the same event may be sent again, and when.
 */
export class ChatError extends Error {
  /** @param {string} code @param {string} message @param {Omit<Refusal, "code" | "message">} [refusal] `retryAfter` in seconds */
  constructor(code, message, {field, rule, params, retryAfter} = {}) {
    super(message);
    Object.assign(this, {name: "ChatError"});
    this.code = code;
    this.field = field ?? undefined;
    this.rule = rule;
    this.params = params;
    this.retryAfter = retryAfter;
    /** @type {Retry} */
    this.retry = RETRY.get(code) ?? "never";
  }
}

export class ChatSocket {
  /** @type {State} */
  state = {name: "connecting"};
  #url;
  #who;
  /** @type {((why: Why) => string | undefined | Promise<string | undefined>) | undefined} */
  #token;
  /** Whether the server refused the last token, and has taken none since. */
  #isRefused = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} asks for the next token */
  #renewal;
  /** @type {WebSocket | undefined} */
  #ws;
  /** @type {Map<string, Set<(event: any) => void>>} event type -> its listeners */
  #listeners = new Map();
  /** @type {Map<string, Pending>} ref -> event without an answer, in the order of emit() */
  #pending = new Map();
  #lastRef = 0;
  #failures = 0;
  #onlineSince = Infinity;
  /** @type {string | undefined} of the last `ready` */
  #epoch;
  /** In how many seconds to come back: as the server said in `restart`, or in an error that belongs to no event; 0: it did not. */
  #retryAfter = 0;
  /** @type {{heartbeat: number, limits: {frameBytes: number}}} what the last `ready` said */
  #terms = {heartbeat: ANSWER_SECONDS, limits: {frameBytes: Infinity}};
  /** @type {ReturnType<typeof setTimeout> | undefined} what happens next if nothing else does; see #after */
  #timer;
  /** @type {ReturnType<typeof setInterval>} */
  #clock;
  #clockAt = Date.now();

  /**
   * Connects at once.
   * @param {string} url ws: or wss:
   * @param {{userId: string, sync?: boolean, token?: (why: Why) => string | undefined | Promise<string | undefined>}} who
   *   `sync`: this program fetches over HTTP what it missed, and sends `received` itself. Otherwise the server sends what
   *   was missed as ordinary `chat` events. `token`: where the name needs one. It is asked again before the token ends,
   *   and once after it was refused, so that the socket goes on; where it fails, the next try asks again.
   */
  constructor(url, {userId, sync, token}) {
    this.#url = url;
    this.#who = {type: "init", userId, sync};
    this.#token = token;
    for (const type of WAKING) globalThis.addEventListener?.(type, this.#wake);
    this.#clock = setInterval(() => this.#watchClock(), CLOCK_SECONDS * 1000);
    this.#connect();
  }

  /**
   * Calls `listener` on each event of this type, until the function returned is called.
   * @template {keyof Events} T @param {T} type @param {(event: Events[T]) => void} listener @returns {() => void}
   */
  on(type, listener) {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /**
   * Sends an event that the server acknowledges; before `ready` it waits. Settles within ANSWER_SECONDS.
   * A `chat` gets a `clientId` where it has none. What has one the server takes once only, so it is said
   * again after the connection was lost; later, do so yourself with the same `clientId`. Where order matters, send
   * one of a conversation once the one before is acknowledged: what is refused for a moment comes behind those sent with it.
   * @param {string} type @param {Record<string, unknown>} fields @returns {Promise<Ack>} rejected with a ChatError
   */
  emit(type, fields) {
    return new Promise((resolve, reject) => {
      const ref = String(++this.#lastRef);
      const timer = setTimeout(() => this.#fail(ref, "not_connected", "timeout"), ANSWER_SECONDS * 1000);
      const clientId = fields.clientId ?? (type === "chat" ? newClientId() : undefined);
      const frame = JSON.stringify({...fields, clientId, type, ref});
      this.#pending.set(ref, {frame, repeatable: Boolean(clientId), sent: false, unsure: false, timer, resolve, reject});
      const unsent = [...this.#pending.values()].filter((event) => !event.sent).length;
      if (this.#isOver()) this.#fail(ref, "ended");
      else if (unsent > WAITING_EVENTS) this.#fail(ref, "too_many_waiting");
      else if (this.state.name === "online") this.#transmit(ref);
    });
  }

  /**
   * Sends an event that nobody waits for, such as `typing`; without a connection it is dropped.
   * @param {string} type @param {Record<string, unknown>} [fields]
   */
  send(type, fields) {
    if (this.state.name === "online") this.#ws?.send(JSON.stringify({...fields, type}));
  }

  /** Somebody is back: connects now rather than after the wait; an open connection has to prove that it is alive. */
  wake() {
    if (this.state.name === "waiting") this.#connect();
    else if (this.state.name === "online") this.#ping(PROBE_SECONDS, () => this.reconnect()); // after a sleep it may be dead
  }

  /** Connects now rather than after the wait, or once more after the server ended it. */
  reconnect() {
    if (this.state.name === "waiting" || this.state.name === "ended") this.#connect();
  }

  /** Ends the connection for good. */
  close() {
    for (const type of WAKING) globalThis.removeEventListener?.(type, this.#wake);
    clearInterval(this.#clock);
    this.#leave({name: "closed"});
  }

  #connect() {
    const ws = (this.#ws = new WebSocket(this.#url));
    ws.onopen = () => {
      this.#introduce(this.#isRefused ? "refused" : "connects");
      this.#dispatch("open", {});
    };
    ws.onmessage = ({data}) => this.#receive(data);
    ws.onclose = ({code, reason}) => this.#lost(code, reason);
    this.#after(ANSWER_SECONDS, () => this.#lost(1006, "no answer"));
    this.#setState({name: "connecting"});
  }

  /** Says who we are; on an open connection too, which then lasts as long as the new token. @param {Why} why */
  #introduce(why) {
    const ws = this.#ws;
    const say = (/** @type {string | undefined} */ token) => ws === this.#ws && ws?.send(JSON.stringify({...this.#who, token}));
    const token = this.#token?.(why);
    if (!(token instanceof Promise)) say(token);
    else token.then(say, () => why !== "ends" && ws === this.#ws && this.#lost(TRY_AGAIN_LATER, "no token"));
  }

  /** @param {unknown} data */
  #receive(data) {
    const event = parse(data);
    if (event?.type === "ready") this.#becomeOnline(event);
    const error = event?.type === "error" ? new ChatError(event.code, event.message, event) : undefined;
    if (error && this.state.name === "connecting" && isInitDue(error)) return this.#lost(TRY_AGAIN_LATER, error.code);
    this.#after(this.#terms.heartbeat, () => this.#ping(ANSWER_SECONDS));
    const pending = error || event?.type === "ack" ? this.#removePending(event.ref) : undefined;
    if (!pending) this.#retryAfter = waitOf(event, error); // a close may follow at once, and waits for so long
    if (pending && error) pending.reject(error);
    else if (pending) pending.resolve(event);
    else if (event && !OWN_EVENTS.includes(event.type)) this.#dispatch(event.type, event);
  }

  /** @param {Ready} ready */
  #becomeOnline(ready) {
    this.#onlineSince = Date.now();
    this.#terms = ready;
    const isAnother = this.#epoch !== undefined && this.#epoch !== ready.epoch; // a `seq` or an id of the old one would be taken for one of this
    for (const [ref, event] of [...this.#pending]) if (isAnother && !event.repeatable) this.#fail(ref, "connection_lost");
    this.#epoch = ready.epoch;
    this.#isRefused = false;
    clearTimeout(this.#renewal);
    const left = Date.parse(ready.expiresAt ?? "") - Date.parse(ready.timestamp ?? ""); // by the server's clock
    if (this.#token && left > 0) this.#renewal = setTimeout(() => this.#introduce("ends"), Math.min(Math.max(left - RENEW_BEFORE_MS, left / 2), LONGEST_TIMER_MS));
    this.#setState({name: "online"});
    for (const [ref, event] of [...this.#pending]) if (!event.sent) this.#transmit(ref);
  }

  /** Browsers cannot send the protocol's own ping frames, so the heartbeat is an ordinary event. @param {number} seconds for the answer @param {() => void} [otherwise] */
  #ping(seconds, otherwise) {
    this.send("ping");
    this.#after(seconds, () => {
      this.#lost(1006, "no answer");
      otherwise?.();
    });
  }

  #wake = (/** @type {Event} */ {type, target}) => {
    const isHidden = /** @type {Document | null} */ (target)?.visibilityState === "hidden";
    const isUseless = type === "offline" && this.state.name === "waiting";
    if (!isHidden && !isUseless) this.wake();
  };

  /** A laptop that was closed tells nobody when it is opened. */
  #watchClock() {
    const stoodStill = Date.now() - this.#clockAt - CLOCK_SECONDS * 1000;
    this.#clockAt = Date.now();
    if (stoodStill > ASLEEP_SECONDS * 1000) this.wake();
  }

  /** @param {number} code @param {string} reason */
  #lost(code, reason) {
    const steady = Date.now() - this.#onlineSince >= STEADY_SECONDS * 1000;
    this.#failures = steady || BACK_SOON.includes(code) ? 0 : this.#failures + 1;
    const most = BACKOFF_SECONDS[Math.min(this.#failures, BACKOFF_SECONDS.length - 1)];
    const isRefusal = code === SIGN_IN && this.#token !== undefined;
    const isOver = isFinal(code) && (!isRefusal || this.#isRefused);
    const seconds = isRefusal ? 0 : this.#retryAfter || most * Math.random();
    this.#isRefused ||= isRefusal;
    this.#retryAfter = 0;
    this.#leave(isOver ? {name: "ended", code, reason} : {name: "waiting", seconds, code, reason});
    if (this.state.name === "waiting") this.#after(seconds, () => this.#connect());
    this.#dispatch("close", {code, reason});
  }

  /** Does not wait for the other side's goodbye, which on a dead network takes minutes. @param {State} state */
  #leave(state) {
    clearTimeout(this.#timer);
    clearTimeout(this.#renewal);
    if (this.#ws) this.#ws.onopen = this.#ws.onmessage = this.#ws.onclose = null;
    this.#ws?.close();
    this.#onlineSince = Infinity;
    this.#setState(state);
    for (const [ref, event] of [...this.#pending]) {
      if (this.#isOver() || (event.sent && !event.repeatable)) this.#fail(ref, "ended", "connection_lost");
      event.sent = false;
    }
  }

  /** One timer is enough: wait to connect, then for an answer, then for silence. @param {number} seconds @param {() => void} act */
  #after(seconds, act) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, seconds * 1000);
  }

  /** @param {string} ref */
  #transmit(ref) {
    const event = /** @type {Pending} */ (this.#pending.get(ref));
    const bytes = new TextEncoder().encode(event.frame).length;
    if (bytes > this.#terms.limits.frameBytes) return this.#fail(ref, "too_big");
    event.sent = event.unsure = true;
    this.#ws?.send(event.frame);
  }

  /** @param {string} ref @param {string} unsentCode @param {string} [sentCode] */
  #fail(ref, unsentCode, sentCode = unsentCode) {
    const event = this.#removePending(ref);
    const code = event?.unsure ? sentCode : unsentCode;
    event?.reject(new ChatError(code, code));
  }

  /** @param {string} ref */
  #removePending(ref) {
    const event = this.#pending.get(ref);
    clearTimeout(event?.timer);
    this.#pending.delete(ref);
    return event;
  }

  #isOver() {
    return this.state.name === "ended" || this.state.name === "closed";
  }

  /** @param {State} state */
  #setState(state) {
    this.state = state;
    this.#dispatch("state", state);
  }

  /** @param {string} type @param {unknown} event */
  #dispatch(type, event) {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) {
      try {
        listener(event);
      } catch (error) { // a page's mistake is the page's: the socket goes on, and the console tells
        queueMicrotask(() => { throw error; });
      }
    }
  }
}

/**
 * Whether an `init` that was answered so is to be sent again by us. Not after `rate_limited`: the listeners hear that
 * this user has too many sockets, and the server closes this one. @param {ChatError} error
 */
function isInitDue({code, retry}) {
  return retry !== "never" && code !== "rate_limited";
}

/**
 * Of `restart` it is drawn for each client by the server. An error's is the same for many, so a part of a second is added.
 * @param {any} event @param {ChatError | undefined} error
 */
function waitOf(event, error) {
  if (event?.type === "restart") return Number(event.retryAfter) || 0;
  return error?.retryAfter ? error.retryAfter + Math.random() : 0;
}

let lastMs = 0;

/**
 * A UUID of version 7 (RFC 9562, section 5.7): begins with the time, so that ids sort as they were made, which
 * spares the database. `crypto.randomUUID` makes version 4, and only where the page came over https.
 */
export function newClientId() {
  lastMs = Math.max(Date.now(), lastMs + 1);
  const random = crypto.getRandomValues(new Uint16Array(5)).map((word, index) => (index < 2 ? word & 0x0fff : word));
  const [a, b, ...rest] = [...random].map((word) => word.toString(16).padStart(4, "0"));
  const time = lastMs.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${a.slice(1)}-8${b.slice(1)}-${rest.join("")}`;
}

/** @param {unknown} data @returns {any} null for what is no JSON object: passed over, as an unknown type is */
function parse(data) {
  try {
    const event = JSON.parse(String(data));
    return typeof event === "object" ? event : null;
  } catch {
    return null;
  }
}
