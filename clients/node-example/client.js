/**
 * Owns a client of the chat for Node: its connection, what it holds of conversations and notifications, its outbox.
 *
 * It is written from docs/protocol.md alone, and names the section of that page beside what each part does.
 * It emits: `online`, `offline` {code, reason, retryMs}, `message`, `receipt`, `typing`, `presence`, `notifications`,
 * `reset` (a backup was restored), `ended` {code} (sign in again), `warning` {code, message}.
 */

import {randomUUID} from "node:crypto";
import {EventEmitter} from "node:events";
import WebSocket from "ws";

const SOON_MS = 1_000;
const LONGEST_MS = 30_000;
const RENEW_BEFORE_MS = 60_000; // a token is renewed so long before its end, or at half of its life
const REPEATED = new Set(["busy", "unavailable", "rate_limited", "not_initialised"]); // "Error codes", the last column

export class ApiError extends Error {
  /** @param {number} status @param {{code: string, message: string, field: string | null}} error @param {number} retryAfter */
  constructor(status, error, retryAfter) {
    super(error.message);
    Object.assign(this, {status, code: error.code, field: error.field, retryAfter});
  }
}

export class ChatClient extends EventEmitter {
  /** `url`: the server's, such as http://127.0.0.1:8000. `clientIds`: makes the mark of each message. */
  constructor(url, {clientIds = randomUUID, soonMs = SOON_MS} = {}) {
    super();
    this.url = url.replace(/\/$/, "");
    this.isOnline = false;
    this.outbox = []; // {toUserId, message, clientId, resolve, reject, tries}: the oldest first
    this.clientIds = clientIds;
    this.soonMs = soonMs;
    this.tries = 0;
    this.nextRef = 1;
    this.waiting = new Map(); // ref -> what its answer is given to
    this.forget();
  }

  /** Drops what is the database's: "Epoch". What has no ack yet stays. */
  forget() {
    this.conversations = new Map(); // userId -> {messages: Map(seq -> message), last, received, read, theirRead, ...}
    this.notifications = new Map(); // id -> notification
    this.presence = new Map();
  }

  // Signing in, and HTTP

  async request(method, path, body) {
    for (;;) {
      const response = await fetch(this.url + path, {
        method,
        headers: {
          ...(this.token && {Authorization: `Bearer ${this.token}`}),
          ...(body && {"Content-Type": "application/json"}),
        },
        body: body && JSON.stringify(body),
      });
      if (response.ok) return response.status === 204 ? null : response.json();
      const retryAfter = Number(response.headers.get("Retry-After") ?? 0);
      const {error} = await response.json();
      if (retryAfter && error.code !== "wrong_password") await pause(retryAfter * 1000);
      else throw new ApiError(response.status, error, retryAfter);
    }
  }

  async signIn(userId, password) {
    this.take(await this.request("POST", "/api/session", {userId, ...(password && {password})}));
    await this.connect();
  }

  take({userId, token, expiresAt}) {
    Object.assign(this, {userId, token, expiresAt: Date.parse(expiresAt)});
    clearTimeout(this.renewal);
    const left = this.expiresAt - Date.now();
    const due = Math.max(left - RENEW_BEFORE_MS, left / 2);
    this.renewal = setTimeout(() => this.renew(), Math.min(due, 2 ** 31 - 1)).unref();
  }

  /** "Signing in": the next token, and a new `init` with it, before the old one ends. */
  async renew() {
    try {
      this.take(await this.request("POST", "/api/session/renew"));
      if (this.isOnline) await this.ask("init", this.introduction());
      this.emit("renewed");
    } catch (error) {
      this.emit("warning", error);
    }
  }

  // The connection

  introduction() {
    return {userId: this.userId, token: this.token, v: 1, features: ["blocking"], sync: true};
  }

  connect() {
    this.isWanted = true;
    return new Promise((resolve) => {
      this.once("online", resolve);
      this.open();
    });
  }

  open() {
    if (!this.isWanted) return;
    const socket = new WebSocket(`${this.url.replace(/^http/, "ws")}/ws`, ["chat.v1"]);
    this.socket = socket;
    this.lastError = null;
    let refused = 0;
    socket.on("open", () => this.write({type: "init", ...this.introduction()}));
    socket.on("message", (data) => this.receive(JSON.parse(String(data))));
    socket.on("unexpected-response", (request, response) => {
      refused = Number(response.headers["retry-after"] ?? 0); // "Connecting": 429 and 503 say how long to wait
      request.destroy();
      this.closed(1006, `HTTP ${response.statusCode}`, refused);
    });
    socket.on("error", () => {}); // `close` follows
    socket.on("close", (code, reason) => refused || this.closed(code, String(reason), this.lastError?.retryAfter ?? 0));
  }

  /** "Close codes". `retryAfter`, in seconds, wins over every other wait. */
  closed(code, reason, retryAfter) {
    if (this.socket === null) return;
    this.isOnline = false;
    this.socket = null;
    for (const {reject} of this.waiting.values()) reject(Object.assign(new Error("connection lost"), {code: "lost"}));
    this.waiting.clear();
    if (!this.isWanted) return;
    if (code === 1008 || (code >= 4500 && code < 4600 && code !== 4502)) {
      this.isWanted = false;
      this.emit("ended", {code: this.lastError?.code ?? String(code), close: code});
      return;
    }
    const isSoon = code === 1001 || code === 1012;
    const most = isSoon ? this.soonMs : Math.min(LONGEST_MS, 2 * this.soonMs * 2 ** this.tries++);
    const retryMs = retryAfter ? retryAfter * 1000 + Math.random() * this.soonMs : Math.random() * most;
    this.emit("offline", {code, reason, retryMs});
    setTimeout(() => this.open(), retryMs);
  }

  close() {
    this.isWanted = false;
    clearTimeout(this.renewal);
    this.socket?.close(1000);
  }

  write(event) {
    this.socket.send(JSON.stringify(event));
  }

  /** Sends an event with a `ref`, and gives its one answer: "The rules". */
  ask(type, fields) {
    const ref = this.nextRef++;
    return new Promise((resolve, reject) => {
      if (this.socket?.readyState !== WebSocket.OPEN) {
        reject(Object.assign(new Error("not connected"), {code: "lost"}));
        return;
      }
      this.waiting.set(ref, {resolve, reject});
      this.write({type, ...fields, ref});
    });
  }

  receive(event) {
    const handler = this[`on_${event.type}`];
    if (handler) handler.call(this, event); // "Versions": what is not known is passed over
  }

  on_ack({ref, ...answer}) {
    this.waiting.get(ref)?.resolve(answer);
    this.waiting.delete(ref);
  }

  on_error(error) {
    if (this.waiting.has(error.ref)) {
      this.waiting.get(error.ref).reject(Object.assign(new Error(error.message), error));
      this.waiting.delete(error.ref);
    } else {
      this.lastError = error; // a close may follow, and this says why
      this.emit("warning", {code: error.code, message: error.message});
    }
  }

  on_restart({retryAfter}) {
    this.lastError = {retryAfter}; // a close follows, and waits for so long
  }

  // What was missed: "Coming back"

  async on_ready(ready) {
    if (this.epoch !== undefined && this.epoch !== ready.epoch) {
      this.forget();
      this.emit("reset");
    }
    this.epoch = ready.epoch;
    this.userId = ready.userId;
    const [socket, wasOnline] = [this.socket, this.isOnline];
    this.isOnline = true;
    this.tries = 0;
    try {
      const standings = [...ready.conversations];
      if (ready.more) standings.push(...(await this.pages("/api/conversations", "conversations")));
      for (const standing of standings) this.stand(standing);
      await Promise.all(standings.map(({withUserId, lastSeq}) => this.fillGap(withUserId, lastSeq)));
      await this.catchUpNotifications();
    } catch (error) {
      if (this.socket === socket) this.emit("warning", error);
    }
    if (this.socket !== socket) return; // it ended meanwhile
    if (!wasOnline) this.emit("online");
    for (const other of new Set(this.outbox.map(({toUserId}) => toUserId))) void this.pump(other);
  }

  async pages(path, name) {
    const found = [];
    let cursor = null;
    do {
      const page = await this.request("GET", `${path}?limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
      found.push(...page[name]);
      cursor = page.next;
    } while (cursor);
    return found;
  }

  conversation(withUserId) {
    if (!this.conversations.has(withUserId))
      this.conversations.set(withUserId, {messages: new Map(), last: 0, received: 0, read: 0, theirReceived: 0, theirRead: 0});
    return this.conversations.get(withUserId);
  }

  stand({withUserId, presence, lastSeen, firstSeq = 1, ...standing}) {
    const {received, read, theirReceived, theirRead, unread} = standing;
    const conversation = Object.assign(this.conversation(withUserId), {received, read, theirReceived, theirRead, unread});
    conversation.last = Math.max(conversation.last, firstSeq - 1); // "Erased messages": what lies before is no gap
    this.presence.set(withUserId, {status: presence, lastSeen});
  }

  /** Fetches what lies between the last message without a gap and `upTo`: "Reading messages". */
  async fillGap(withUserId, upTo) {
    const conversation = this.conversation(withUserId);
    if (conversation.last >= upTo || conversation.isFilling) return;
    conversation.isFilling = true;
    try {
      for (let more = true; more; ) {
        const path = `/api/conversations/${encodeURIComponent(withUserId)}/messages?after=${conversation.last}&limit=200`;
        const page = await this.request("GET", path);
        conversation.last = Math.max(conversation.last, (page.firstSeq ?? 1) - 1);
        page.messages.forEach((message) => this.hold(withUserId, message));
        more = page.more;
      }
    } finally {
      conversation.isFilling = false;
    }
  }

  /** Takes a message in, once; says `received` for what the other one wrote. */
  hold(withUserId, message) {
    const conversation = this.conversation(withUserId);
    if (conversation.messages.has(message.seq)) return;
    conversation.messages.set(message.seq, message);
    while (conversation.messages.has(conversation.last + 1)) conversation.last += 1;
    this.emit("message", {withUserId, ...message});
    if (message.fromUserId !== this.userId && conversation.last > conversation.received) {
      conversation.received = conversation.last;
      if (this.isOnline) this.write({type: "received", withUserId, seq: conversation.last});
    }
  }

  on_chat({type, ...message}) {
    const withUserId = message.fromUserId === this.userId ? message.toUserId : message.fromUserId;
    const conversation = this.conversation(withUserId);
    this.hold(withUserId, message);
    if (conversation.last < message.seq) void this.fillGap(withUserId, message.seq).catch((error) => this.emit("warning", error));
  }

  // Sending: "Delivery"

  /** Resolves once the message is stored; repeats it until then. Rejects where a repeat cannot help. */
  send(toUserId, message) {
    return new Promise((resolve, reject) => {
      this.outbox.push({toUserId, message, clientId: this.clientIds(), resolve, reject});
      void this.pump(toUserId);
    });
  }

  /** One message of a conversation is under way at a time: a later one must not overtake one that is repeated. */
  async pump(toUserId) {
    const conversation = this.conversation(toUserId);
    if (conversation.isSending) return;
    conversation.isSending = true;
    let tries = 0;
    for (let next; this.isOnline && (next = this.outbox.find((each) => each.toUserId === toUserId)); ) {
      const {message, clientId, resolve, reject} = next;
      try {
        const ack = await this.ask("chat", {toUserId, message, clientId});
        this.outbox.splice(this.outbox.indexOf(next), 1);
        tries = 0;
        this.hold(toUserId, {fromUserId: this.userId, toUserId, message, clientId, seq: ack.seq, timestamp: ack.timestamp});
        resolve(ack);
      } catch (error) {
        if (error.code === "lost") break; // `on_ready` goes on
        if (REPEATED.has(error.code)) await pause((error.retryAfter ?? Math.random() * 2 ** tries++) * 1000);
        else {
          this.outbox.splice(this.outbox.indexOf(next), 1);
          reject(error);
        }
      }
    }
    conversation.isSending = false;
  }

  // What is said of conversations: "Receipts", `typing`, `presence`

  async read(withUserId) {
    const conversation = this.conversation(withUserId);
    conversation.read = conversation.last;
    await this.ask("read", {withUserId, seq: conversation.last});
  }

  typing(toUserId) {
    if (this.isOnline) this.write({type: "typing", toUserId});
  }

  on_receipt({userId, withUserId, received, read}) {
    const isMine = userId === this.userId;
    const conversation = this.conversation(isMine ? withUserId : userId);
    Object.assign(conversation, isMine ? {received, read} : {theirReceived: received, theirRead: read});
    this.emit("receipt", {userId, withUserId, received, read});
  }

  on_typing({fromUserId}) {
    this.emit("typing", {fromUserId});
  }

  on_presence({userId, status, lastSeen}) {
    this.presence.set(userId, {status, lastSeen});
    this.emit("presence", {userId, status, lastSeen});
  }

  // Notifications, on however many devices: "Listing notifications"

  /** Takes the list as it stands now: what is no longer in it was dismissed elsewhere, or is over. */
  async catchUpNotifications() {
    const listed = await this.pages("/api/notifications", "notifications");
    const ids = new Set(listed.map(({id}) => id));
    for (const id of this.notifications.keys()) if (!ids.has(id)) this.on_dismissed({notificationId: id});
    for (const notification of listed.reverse()) this.on_notification(notification);
  }

  on_notification({type, ...notification}) {
    const held = this.notifications.get(notification.id);
    this.notifications.set(notification.id, notification);
    if (!held) this.emit("notification", notification);
    else if (notification.seen && !held.seen) this.emit("seen", {id: notification.id});
  }

  on_dismissed({notificationId}) {
    if (this.notifications.delete(notificationId)) this.emit("dismissed", {id: notificationId});
  }

  on_seen({notificationId}) {
    const held = this.notifications.get(notificationId);
    if (held && !held.seen) this.on_notification({...held, seen: true});
  }

  async dismiss(notificationId) {
    await this.ask("dismiss", {notificationId});
    this.on_dismissed({notificationId});
  }

  async seen(notificationId) {
    await this.ask("seen", {notificationId});
    this.on_seen({notificationId});
  }

  /** What this client holds, for a look from outside. */
  summary() {
    const conversations = [...this.conversations].map(([withUserId, {messages, last, ...pointers}]) => {
      const texts = [...messages.values()].sort((one, other) => one.seq - other.seq).map(({message}) => message);
      return {withUserId, last, texts, presence: this.presence.get(withUserId)?.status, ...pointers};
    });
    return {conversations, notifications: [...this.notifications.values()], outbox: this.outbox.length};
  }

  search(text) {
    return this.request("GET", `/api/search?q=${encodeURIComponent(text)}`);
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
