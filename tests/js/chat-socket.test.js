import assert from "node:assert/strict";
import {afterEach, beforeEach, test} from "node:test";
import {FakeClock} from "./globals.js";
import {ChatSocket, newClientId} from "../../static/js/chat-socket.js";

/** What a browser's WebSocket is to ChatSocket; `FakeWebSocket.all` are those it made. */
class FakeWebSocket {
  /** @type {FakeWebSocket[]} */
  static all = [];
  /** @type {any[]} */
  said = [];
  isClosed = false;
  /** @type {any} */
  onopen = null;
  /** @type {any} */
  onmessage = null;
  /** @type {any} */
  onclose = null;

  constructor() {
    FakeWebSocket.all.push(this);
  }

  /** @param {string} text */
  send(text) {
    this.said.push(JSON.parse(text));
  }

  close() {
    this.isClosed = true;
  }

  /** The server says this. @param {object} event */
  hear(event) {
    this.onmessage?.({data: JSON.stringify(event)});
  }

  /** The server takes us in. @param {string} [epoch] */
  accept(epoch) {
    this.onopen();
    this.hear({type: "ready", heartbeat: 25, limits: {frameBytes: 1000}, userId: "alice", epoch});
  }

  /** Events that a handler gets, without `init` and pings. */
  get events() {
    return this.said.filter(({type}) => type !== "init" && type !== "ping");
  }
}

/** @type {FakeClock} */
let clock;
/** @type {ChatSocket | undefined} */
let socket;
const {WebSocket: realWebSocket} = globalThis;
const realRandom = Math.random;

beforeEach(() => {
  clock = new FakeClock();
  FakeWebSocket.all = [];
  Object.assign(globalThis, {WebSocket: FakeWebSocket});
  Math.random = () => 0.999;
});
afterEach(() => {
  socket?.close();
  clock.restore();
  Object.assign(globalThis, {WebSocket: realWebSocket});
  Math.random = realRandom;
});

const last = () => /** @type {FakeWebSocket} */ (FakeWebSocket.all.at(-1));

function make() {
  return (socket = new ChatSocket("ws://x/ws", {userId: "alice", sync: true}));
}

test("says who we are, then what waited", async () => {
  const socket = make();
  const sent = socket.emit("chat", {toUserId: "bob", message: "early"});
  last().accept();
  assert.deepEqual(last().said[0], {type: "init", userId: "alice", sync: true});
  const [chat] = last().events;
  assert.equal(chat.message, "early");
  last().hear({type: "ack", ref: chat.ref, seq: 7});
  assert.equal((await sent).seq, 7);
});

test("says again what may be lost, as the same message, and leaves alone what cannot be said twice", async () => {
  const socket = make();
  last().accept();
  const chat = socket.emit("chat", {toUserId: "bob", message: "once"});
  const typed = socket.emit("poke", {toUserId: "bob"});
  const [first] = last().events;
  last().onclose({code: 1006, reason: ""});
  await assert.rejects(typed, {code: "connection_lost"});
  clock.tick(2000);
  last().accept();
  const [again, ...others] = last().events;
  assert.deepEqual([again.clientId, again.ref, others], [first.clientId, first.ref, []]);
  last().hear({type: "ack", ref: again.ref, seq: 1});
  assert.equal((await chat).seq, 1);
});

test("waits longer after each failure, and not at all after a word of the server", () => {
  const socket = make();
  const waits = [];
  for (let number = 0; number < 7; number++) {
    last().onclose({code: 1006, reason: ""});
    waits.push(Math.round(Number(socket.state.seconds)));
    socket.reconnect();
  }
  assert.deepEqual(waits, [2, 4, 8, 15, 30, 30, 30]);
  last().accept();
  last().onclose({code: 1012, reason: "service restart"});
  assert.ok(Number(socket.state.seconds) <= 1);
});

test("the wait is any part of the longest one, by chance", () => {
  const socket = make();
  Math.random = () => 0;
  last().onclose({code: 1006, reason: ""});
  assert.deepEqual([socket.state.name, socket.state.seconds], ["waiting", 0]);
});

test("what the server says of waiting wins over the wait drawn by chance, for the close that follows alone", () => {
  Math.random = () => 0.5;
  socket = new ChatSocket("ws://here/ws", {userId: "alice"});
  const [first] = FakeWebSocket.all;
  first.accept();
  first.hear({type: "error", code: "rate_limited", message: "Too many.", retryAfter: 20});
  first.onclose({code: 4009, reason: ""});
  assert.deepEqual(socket.state, {name: "waiting", seconds: 20.5, code: 4009, reason: ""});
  socket.reconnect();
  const second = FakeWebSocket.all[1];
  second.accept();
  second.hear({type: "error", code: "rate_limited", message: "Too many.", retryAfter: 20});
  second.hear({type: "pong", timestamp: "2026-01-31T09:30:00.000Z"});
  second.onclose({code: 1012, reason: ""});
  assert.ok(socket.state.name === "waiting" && socket.state.seconds < 2);
});

test("comes back after a restart exactly when the server said, and from the next one by its own table", () => {
  const socket = make();
  last().accept();
  last().hear({type: "restart", retryAfter: 7.25});
  last().onclose({code: 1012, reason: "service restart"});
  assert.deepEqual(socket.state, {name: "waiting", seconds: 7.25, code: 1012, reason: "service restart"});
  clock.tick(7_200);
  assert.equal(FakeWebSocket.all.length, 1);
  clock.tick(100);
  assert.equal(FakeWebSocket.all.length, 2);
  last().onclose({code: 1006, reason: ""}); // not there yet
  assert.ok(Number(socket.state.seconds) <= 2);
});

test("a restart that says no time is one like any other", () => {
  const socket = make();
  last().accept();
  last().hear({type: "restart"});
  last().onclose({code: 1012, reason: "service restart"});
  assert.ok(Number(socket.state.seconds) <= 1);
});

test("does not come back after a code that says so", async () => {
  for (const code of [1008, 4501]) {
    const socket = make();
    const sent = socket.emit("chat", {toUserId: "bob", message: "never"});
    last().onclose({code, reason: "no"});
    assert.deepEqual(socket.state, {name: "ended", code, reason: "no"});
    await assert.rejects(sent, {code: "ended"});
    const made = FakeWebSocket.all.length;
    clock.tick(100_000);
    assert.equal(FakeWebSocket.all.length, made);
    socket.close();
  }
});

test("comes back where its init could not be answered just now, or came too late", () => {
  const socket = make();
  last().onopen();
  last().hear({type: "error", code: "unavailable", message: "not now"});
  assert.deepEqual([socket.state.name, socket.state.code], ["waiting", 1013]);
  clock.tick(2000);
  last().onclose({code: 4502, reason: "no init in time"});
  assert.equal(socket.state.name, "waiting");
});

test("an init refused for too many sockets is heard, and left to the server to end", () => {
  const socket = make();
  const heard = /** @type {any[]} */ ([]);
  socket.on("error", ({code}) => heard.push(code));
  last().onopen();
  last().hear({type: "error", code: "rate_limited", message: "too many sockets"});
  assert.deepEqual([heard, socket.state.name], [["rate_limited"], "connecting"]);
});

test("an error says whether the same event may be sent again", async () => {
  const socket = make();
  last().accept();
  const expected = {unavailable: "later", internal: "uncertain", forbidden: "never", constructor: "never"};
  for (const [code, retry] of Object.entries(expected)) {
    const sent = socket.emit("chat", {toUserId: "bob", message: "hi"});
    last().hear({type: "error", ref: last().events.at(-1).ref, code, message: ""});
    await assert.rejects(sent, {code, retry});
  }
  const lost = socket.emit("poke", {});
  last().onclose({code: 1006, reason: ""});
  await assert.rejects(lost, {code: "connection_lost", retry: "online"});
});

test("a server that falls silent is pinged, then left", () => {
  const socket = make();
  last().accept();
  const first = last();
  clock.tick(25_000);
  assert.equal(first.said.at(-1).type, "ping");
  first.hear({type: "pong"});
  clock.tick(25_000);
  assert.equal(first.said.filter(({type}) => type === "ping").length, 2);
  clock.tick(10_000);
  assert.deepEqual([socket.state.name, first.isClosed], ["waiting", true]);
});

test("a dead socket is found within three seconds of coming back to it", () => {
  const socket = make();
  last().accept();
  const dead = last();
  socket.wake();
  assert.equal(dead.said.at(-1).type, "ping");
  clock.tick(3000);
  assert.notEqual(last(), dead);
  assert.equal(socket.state.name, "connecting");
  last().accept();
  const alive = last();
  socket.wake();
  alive.hear({type: "pong"});
  clock.tick(3000);
  assert.equal(last(), alive);
});

test("refuses what the server would not take, and more than may wait", async () => {
  const socket = make();
  const waiting = Array.from({length: 100}, () => socket.emit("chat", {message: "x"}));
  await assert.rejects(socket.emit("chat", {message: "one more"}), {code: "too_many_waiting"});
  last().accept();
  await assert.rejects(socket.emit("chat", {message: "x".repeat(1000)}), {code: "too_big"});
  for (const {ref} of last().events) last().hear({type: "ack", ref});
  await Promise.all(waiting);
});

test("a listener's mistake is nobody else's, and not hushed up", (context) => {
  const socket = make();
  const later = /** @type {(() => void)[]} */ ([]);
  context.mock.method(globalThis, "queueMicrotask", (/** @type {() => void} */ act) => later.push(act));
  const heard = /** @type {string[]} */ ([]);
  socket.on("chat", () => { throw new Error("mine"); });
  socket.on("chat", ({message}) => heard.push(message));
  last().accept();
  last().hear({type: "chat", message: "hi"});
  assert.deepEqual(heard, ["hi"]);
  assert.throws(later[0], /mine/);
});

test("what is no event is passed over, and nobody can forge what the class says itself", () => {
  const socket = make();
  const states = /** @type {any[]} */ ([]);
  last().accept();
  socket.on("state", (state) => states.push(state));
  for (const data of ["", "null", "7", "[1]", "{", '{"type":"state","name":"ended"}']) last().onmessage({data});
  assert.deepEqual([states, socket.state.name], [[], "online"]);
});

test("ids of messages sort as they were made", () => {
  const ids = Array.from({length: 1000}, newClientId);
  assert.deepEqual([...ids].sort(), ids);
  assert.match(ids[0], /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(ids).size, 1000);
});

test("a pointer that waited is not sent into another epoch, a message is", async () => {
  const socket = make();
  last().accept("one");
  last().onclose({code: 1006, reason: ""});
  const pointer = socket.emit("read", {withUserId: "bob", seq: 6});
  socket.emit("chat", {toUserId: "bob", message: "hi"}).catch(() => undefined); // the test ends before it is answered
  clock.tick(2000);
  last().accept("two");
  await assert.rejects(pointer, {code: "connection_lost"});
  assert.deepEqual(last().events.map(({type}) => type), ["chat"]);
});

/** Lets promises that are settled go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a token may come later, is asked for before it ends and once where it is refused, and the socket goes on", async () => {
  /** @type {string[]} */
  const asked = [];
  /** @type {any[]} */
  const tokens = ["t1", "t2", "t3", new Error("no way to get one"), "t4", "t5"];
  socket = new ChatSocket("ws://here/ws", {
    userId: "alice",
    token: async (why) => {
      asked.push(why);
      const token = tokens.shift();
      if (token instanceof Error) throw token;
      return token;
    },
  });
  const ready = {type: "ready", heartbeat: 25, limits: {frameBytes: 1000}, userId: "alice", timestamp: "2026-01-31T09:00:00.000Z", expiresAt: "2026-01-31T09:10:00.000Z"};
  const inits = () => FakeWebSocket.all.flatMap(({said}) => said.filter(({type}) => type === "init").map(({token}) => token));
  last().onopen();
  assert.deepEqual(inits(), []);
  await turn();
  assert.deepEqual(inits(), ["t1"]);
  last().hear(ready);
  for (let seconds = 0; seconds < 540; seconds += 20) {
    clock.tick(20_000);
    last().hear({type: "pong", timestamp: ""});
  }
  await turn();
  assert.deepEqual([inits(), FakeWebSocket.all.length, asked], [["t1", "t2"], 1, ["connects", "ends"]]);
  const sent = socket.emit("chat", {toUserId: "bob", message: "on the way"});
  last().onclose({code: 4501, reason: "token_expired"});
  assert.equal(socket.state.name, "waiting");
  clock.tick(0);
  last().onopen();
  await turn();
  last().hear(ready);
  const [{ref}] = last().events;
  last().hear({type: "ack", ref, seq: 1});
  assert.equal((await sent).seq, 1, "it was said again");
  assert.deepEqual([inits().at(-1), asked.at(-1)], ["t3", "refused"]);
  last().onclose({code: 4501, reason: "signed_out"});
  clock.tick(0);
  last().onopen();
  await turn();
  assert.equal(socket.state.name, "waiting", "where there is none just now, it tries again");
  clock.tick(8000);
  last().onopen();
  await turn();
  assert.deepEqual([inits().at(-1), asked.at(-1)], ["t4", "refused"]);
  last().onclose({code: 4501, reason: "no"});
  assert.equal(socket.state.name, "ended", "refused twice");
});
