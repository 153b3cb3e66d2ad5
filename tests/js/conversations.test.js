import assert from "node:assert/strict";
import {test} from "node:test";
import "./globals.js";
import {KEPT_MESSAGES} from "../../static/js/models/conversation.js";
import {Conversations} from "../../static/js/models/conversations.js";
import {Names} from "../../static/js/models/names.js";

/** @param {number} seq @param {string} fromUserId */
const chat = (seq, fromUserId = "bob") => ({
  seq, fromUserId, toUserId: fromUserId === "bob" ? "alice" : "bob", message: `number ${seq}`, timestamp: "2026-01-31T09:30:00.000Z",
});
const standing = {withUserId: "bob", lastSeq: 0, received: 0, read: 0, theirReceived: 0, theirRead: 0, unread: 0};

function make(names = new Names()) {
  const conversations = new Conversations("alice", names);
  /** @type {number[]} */
  const read = [];
  conversations.addEventListener("read", (event) => read.push(/** @type {CustomEvent} */ (event).detail.seq));
  return {conversations, read, bob: () => conversations.list[0]};
}

test("a message is read when it was on the screen while somebody watched", () => {
  const {conversations, read, bob} = make();
  for (const seq of [1, 2, 3]) conversations.receive(chat(seq));
  conversations.open("bob");
  assert.deepEqual([read, bob().unread], [[], 3]);
  conversations.markSeen(2);
  assert.deepEqual([read, bob().unread], [[2], 1]);
  conversations.setWatched(false);
  conversations.markSeen(3);
  assert.deepEqual(read, [2]);
  conversations.setWatched(true);
  assert.deepEqual(read, [2], "it may have gone over the screen while nobody watched");
  conversations.markSeen(3);
  assert.deepEqual([read, bob().unread], [[2, 3], 0]);
});

test("what was seen of one conversation says nothing of the next", () => {
  const {conversations, read} = make();
  conversations.open("bob");
  conversations.receive(chat(1));
  conversations.markSeen(1);
  conversations.receive({...chat(1, "carol"), toUserId: "alice"});
  conversations.open("carol");
  assert.deepEqual(read, [1]);
});

test("what is new begins behind what was read when the conversation was opened, and stays there", () => {
  const {conversations, bob} = make();
  for (const seq of [1, 2, 3]) conversations.receive(chat(seq));
  conversations.open("bob");
  conversations.markSeen(3);
  assert.equal(bob().newFrom, 1);
  conversations.open("bob");
  assert.equal(bob().newFrom, 0);
  conversations.setWatched(false);
  conversations.receive(chat(4));
  conversations.setWatched(true);
  assert.equal(bob().newFrom, 4);
});

test("presence is known of whom `ready` told, and of whom is met later", () => {
  const {conversations, bob} = make();
  conversations.applyReady({heartbeat: 25, limits: {frameBytes: 1}, userId: "alice", conversations: [{...standing, presence: "away"}]});
  conversations.applyPresence({userId: "bob", status: "offline", lastSeen: "2026-01-31T09:30:00.000Z"});
  conversations.open("bob");
  assert.equal(bob().presence, "offline");
  assert.equal(bob().lastSeen?.toISOString(), "2026-01-31T09:30:00.000Z");
  conversations.applyPresence({userId: "bob", status: "online"});
  assert.deepEqual([bob().presence, bob().lastSeen], ["online", undefined]);
  conversations.applyPresence({userId: "nobody", status: "online"});
});

test("of ten thousand messages no more is held than may stand on the page", () => {
  const {conversations, bob} = make();
  for (let seq = 1; seq <= 10_000; seq += 1) conversations.receive(chat(seq));
  assert.equal(bob().messages.length, KEPT_MESSAGES);
  assert.ok(KEPT_MESSAGES <= 300);
  assert.equal(bob().heldTo, 10_000);
});

test("a name spelled otherwise is the same person's, where the server gives it the same key", () => {
  const names = new Names();
  const {conversations} = make(names);
  names.learn(["Bob", "BOB"], {Bob: "bob", BOB: "bob"});
  conversations.open("BOB");
  assert.equal(conversations.opened?.withUserId, "BOB");
  conversations.receive({...chat(1), fromUserId: "Bob"});
  assert.deepEqual(conversations.list.map(({withUserId}) => withUserId), ["Bob"]);
  conversations.applyReceipt({userId: "BOB", withUserId: "alice", received: 1, read: 1});
  assert.equal(conversations.opened?.theirRead, 1);
  conversations.setTyping("bob", true);
  assert.equal(conversations.opened?.typing, true);
  conversations.receive({...chat(1), fromUserId: "bOb"});
  assert.equal(conversations.list.length, 2, "of which the server said nothing");
});

test("what I wrote is mine, though the server spells my name otherwise than I did", () => {
  const names = new Names();
  const {conversations, bob} = make(names);
  names.learn(["Alice"], {Alice: "alice"});
  conversations.receive({...chat(1), fromUserId: "Alice", toUserId: "bob"});
  assert.deepEqual([conversations.list.length, bob().withUserId, bob().messages[0].mine], [1, "bob", true]);
  conversations.applyReceipt({userId: "Alice", withUserId: "bob", received: 1, read: 1});
  assert.deepEqual([bob().read, bob().theirRead], [1, 0]);
});

test("a name that somebody typed waits for the server to say whose it is, and loses nothing meanwhile", async () => {
  /** @type {(found: {userId: string, keys?: Record<string, string>}) => void} */
  let answer = () => {};
  const names = new Names(() => new Promise((resolve) => (answer = resolve)));
  const {conversations} = make(names);
  conversations.addEventListener("unasked", (event) => names.ask(/** @type {CustomEvent} */ (event).detail.name));
  names.addEventListener("found", (event) => {
    const {typed, userId} = /** @type {CustomEvent} */ (event).detail;
    conversations.settleName(typed, userId);
  });
  names.learn(["Bob"], {Bob: "bob"});
  conversations.receive({...chat(1), fromUserId: "Bob"});
  conversations.open("BOB");
  const asked = /** @type {import("../../static/js/models/conversation.js").Conversation} */ (conversations.opened);
  conversations.putPending({clientId: "c", toUserId: "BOB", text: "hi", writtenAt: 0, dueAt: 0, kept: true});
  assert.deepEqual([asked.isUnasked, asked.hasOlder, asked.messages.length], [true, false, 0]);
  answer({userId: "Bob", keys: {Bob: "bob"}});
  await new Promise((resolve) => setImmediate(resolve));
  const {opened, list} = conversations;
  assert.deepEqual([list.length, opened?.withUserId, opened?.isUnasked, opened?.messages.length, opened?.pending.length], [1, "Bob", false, 1, 1]);
});

/** @param {number} lastSeq */
const ready = (lastSeq) => ({heartbeat: 25, limits: {frameBytes: 1}, userId: "alice", conversations: [{...standing, lastSeq}]});

test("a message that overtakes `ready` on a new connection is not taken for a server that began anew", () => {
  const {conversations, bob} = make();
  for (const seq of [1, 2, 3]) conversations.receive(chat(seq));
  conversations.beginConnection();
  conversations.receive(chat(4));
  conversations.applyReady(ready(3));
  assert.deepEqual([bob().messages.length, bob().lastSeq], [4, 4]);
});

test("a server that knows less than we did has begun anew", () => {
  const {conversations, bob} = make();
  for (const seq of [1, 2, 3]) conversations.receive(chat(seq));
  conversations.beginConnection();
  conversations.applyReady(ready(1));
  assert.deepEqual([bob().messages.length, bob().lastSeq], [0, 1]);
});

test("nobody is said to be offline of whom the server tells nothing", () => {
  const {conversations, bob} = make();
  conversations.open("bob");
  assert.equal(bob().presence, "unknown");
});

test("of another epoch nothing is held, but what the person wrote and looks at", () => {
  const {conversations, read, bob} = make();
  let forgotten = 0;
  conversations.addEventListener("forget", () => (forgotten += 1));
  const inEpoch = (/** @type {string} */ epoch, /** @type {number} */ lastSeq) => ({...ready(lastSeq), epoch});
  conversations.applyReady(inEpoch("one", 0));
  for (const seq of [1, 2, 3]) conversations.receive(chat(seq));
  conversations.receive({...chat(1, "carol"), toUserId: "alice"});
  conversations.open("bob");
  conversations.markSeen(3);
  conversations.applyReady(inEpoch("one", 3));
  assert.deepEqual([forgotten, bob().messages.length], [0, 3]);
  read.length = 0;
  conversations.beginConnection();
  conversations.applyReady(inEpoch("two", 4)); // more than was held: the numbers alone would not tell
  assert.deepEqual([forgotten, conversations.list.length, bob().messages.length, bob().lastSeq, bob().read], [1, 1, 0, 4, 0]);
  assert.equal(bob().append(chat(2)), false);
  bob().prepend([chat(1), chat(2), chat(3), chat(4)]);
  assert.deepEqual(bob().messages.map(({text}) => text), ["number 1", "number 2", "number 3", "number 4"]);
  assert.deepEqual(read, [], "no pointer of the other epoch is told again");
});

test("what is unread is known before it is fetched, and new from the first of it in a conversation opened before", () => {
  const {conversations, read, bob} = make();
  conversations.open("bob");
  bob().prepend(Array.from({length: 20}, (_, index) => chat(41 + index)));
  bob().isKnown = true;
  conversations.markSeen(42);
  assert.deepEqual(read, [], "nobody knows yet which are new");
  conversations.open("bob");
  conversations.applyReady({heartbeat: 25, limits: {frameBytes: 500}, userId: "alice", conversations: [{...standing, lastSeq: 60, read: 10, unread: 50}]});
  assert.deepEqual([bob().unread, bob().newFrom], [50, 11]);
  assert.equal(bob().lacksUnread, true);
  conversations.markSeen(45);
  assert.equal(bob().unread, 15);
});

test("what comes in a conversation that was begun after `ready` is read when it is seen", () => {
  const {conversations, read, bob} = make();
  conversations.applyReady({...ready(0), conversations: []});
  conversations.open("bob");
  bob().isKnown = true; // the server was asked for older messages
  conversations.receive(chat(1));
  conversations.markSeen(1);
  assert.deepEqual(read, [1]);
  conversations.beginConnection();
  conversations.open("carol");
  assert.equal(conversations.opened?.isTold, false, "it may have begun while nobody was connected");
});

test("the first message in a conversation that was opened beyond what `ready` told has the list asked for it", () => {
  const {conversations, read, bob} = make();
  let asked = 0;
  conversations.addEventListener("unknown", () => (asked += 1));
  conversations.applyReady({...ready(0), conversations: [], more: true});
  conversations.open("bob");
  bob().isKnown = true; // there were no messages
  conversations.receive(chat(1));
  conversations.markSeen(1);
  assert.deepEqual([asked, read], [1, []]);
  const overview = {...standing, lastSeq: 1, received: 1, read: 0, theirRead: 0, unread: 1, lastMessage: chat(1)};
  conversations.applyOverviews({conversations: [/** @type {any} */ (overview)]});
  assert.deepEqual(read, [1]);
  conversations.receive(chat(2));
  assert.equal(asked, 1, "it is told now");
});

test("a page of the list that messages have overtaken still tells how far I have read", () => {
  const {conversations, read, bob} = make();
  for (const seq of [1, 2, 3, 4]) conversations.receive(chat(seq));
  const overview = {...standing, lastSeq: 3, received: 3, read: 2, theirRead: 1, unread: 1, lastMessage: chat(3)};
  conversations.applyOverviews({conversations: [/** @type {any} */ (overview)]});
  assert.deepEqual([bob().read, bob().theirRead, bob().unread, bob().lastSeq], [2, 1, 2, 4]);
  conversations.open("bob");
  assert.equal(bob().newFrom, 3);
  conversations.markSeen(4);
  assert.deepEqual([read, bob().unread], [[4], 0]);
});

test("the list is asked of a conversation that `ready` did not tell of, until it has", () => {
  const {conversations, bob} = make();
  let asked = 0;
  conversations.addEventListener("unknown", () => (asked += 1));
  conversations.applyReady({...ready(0), conversations: [], more: true});
  conversations.open("bob");
  bob().isKnown = true;
  conversations.receive(chat(7));
  assert.equal(asked, 1);
  conversations.applyOverviews({conversations: [/** @type {any} */ ({...standing, lastSeq: 7, read: 6, unread: 1, lastMessage: chat(7)})]});
  conversations.receive(chat(8));
  assert.deepEqual([asked, bob().unread], [1, 2]);
});
