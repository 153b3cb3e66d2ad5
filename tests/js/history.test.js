import assert from "node:assert/strict";
import {test} from "node:test";
import "./globals.js";
import {ChatError} from "../../static/js/chat-socket.js";
import {Conversations} from "../../static/js/models/conversations.js";
import {History} from "../../static/js/models/history.js";

const LAST = 400;

/** @param {number} seq */
const chat = (seq) => ({seq, fromUserId: "bob", toUserId: "alice", message: `number ${seq}`, timestamp: "2026-01-31T09:30:00.000Z"});

/** A server with 400 messages of bob's; those before `firstSeq` were erased. */
function make(firstSeq = 1) {
  /** @type {any[]} */
  const problems = [];
  const server = {
    /** @type {any[]} thrown at the next questions */
    failures: [],
    firstSeq,
    asked: 0,
    /** @param {string} _ @param {{before?: number, after?: number, limit?: number}} page */
    async messages(_, {before = LAST + 1, after, limit = 50}) {
      server.asked += 1;
      const failure = server.failures.shift();
      if (failure) throw failure;
      const from = Math.max(server.firstSeq, after === undefined ? before - limit : after + 1);
      const to = after === undefined ? Math.min(LAST, before - 1) : Math.min(LAST, from + limit - 1);
      return {messages: Array.from({length: Math.max(0, to - from + 1)}, (_, index) => chat(from + index)), lastSeq: LAST, firstSeq: server.firstSeq, more: from > server.firstSeq};
    },
    async conversations() {
      return {conversations: [], next: null};
    },
  };
  const conversations = new Conversations("alice");
  conversations.open("bob");
  const history = new History(/** @type {any} */ (server), conversations);
  history.addEventListener("problem", (event) => problems.push(/** @type {CustomEvent} */ (event).detail.error.code));
  return {server, history, bob: /** @type {import("../../static/js/models/conversation.js").Conversation} */ (conversations.opened), problems};
}

test("a message far up is found in a conversation that is only being opened", async () => {
  const {history, bob, problems} = make();
  history.loadOlder(bob); // as the list does that shows it
  await history.loadAround(bob, 100);
  assert.deepEqual([bob.heldFrom, bob.heldTo, bob.isParted, problems], [75, 124, true, []]);
  await history.loadNewer(bob);
  assert.equal(bob.heldTo, 174);
  await history.loadNewest(bob);
  assert.deepEqual([bob.heldTo, bob.isParted], [LAST, false]);
});

test("one that is held already is not fetched again", async () => {
  const {history, bob} = make();
  await history.loadOlder(bob);
  await history.loadAround(bob, LAST - 1);
  assert.deepEqual([bob.heldFrom, bob.heldTo], [351, LAST]);
});

test("where it cannot be fetched, what is held stays", async () => {
  const {server, history, bob, problems} = make();
  await history.loadOlder(bob);
  server.failures.push(new ChatError("unavailable", "not now"));
  await history.loadAround(bob, 100);
  assert.deepEqual([bob.heldFrom, bob.heldTo, bob.isParted, bob.loading], [351, LAST, false, ""]);
  assert.deepEqual([problems, bob.problem], [["unavailable"], undefined]);
  server.failures.push(new ChatError("unavailable", "not now"));
  await history.loadOlder(bob);
  assert.deepEqual([problems, bob.problem?.code, bob.isStuck], [["unavailable"], "unavailable", true], "it is said where they would stand");
  bob.isStuck = false;
  await history.loadOlder(bob);
  assert.equal(bob.problem, undefined);
});

test("what was erased is the beginning, and is asked for once", async () => {
  const {server, history, bob, problems} = make(LAST - 10);
  for (let n = 0; n < 3; n += 1) await history.loadOlder(bob);
  assert.deepEqual([bob.heldFrom, bob.heldTo, bob.isAtStart, bob.hasOlder], [LAST - 10, LAST, true, false]);
  assert.deepEqual([server.asked, problems], [1, []]);
});

test("what was erased while this tab was away is no gap, and no message is lost", async () => {
  const {server, history, bob, problems} = make();
  bob.applyStanding({withUserId: "bob", lastSeq: 250, received: 0, read: 0, theirReceived: 0, theirRead: 0});
  bob.prepend([chat(249), chat(250)]);
  server.firstSeq = 300;
  bob.applyStanding({withUserId: "bob", lastSeq: LAST, firstSeq: 300, received: 0, read: 0, theirReceived: 0, theirRead: 0});
  assert.equal(bob.hasGap, true);
  await history.catchUp(bob);
  assert.deepEqual([bob.heldFrom, bob.heldTo, bob.hasGap, bob.isAtStart], [300, LAST, false, true]);
  assert.deepEqual([server.asked, problems], [1, []]);
});

test("what is held is no gap when what was above it is erased meanwhile", async () => {
  const {server, history, bob} = make();
  await history.loadOlder(bob);
  server.firstSeq = 380; // within what is held
  await history.loadOlder(bob);
  await history.loadOlder(bob);
  assert.deepEqual([bob.heldFrom, bob.isAtStart, server.asked], [351, true, 2]);
});

test("a message that was erased and is looked for ends at what there is", async () => {
  const {server, history, bob, problems} = make(LAST - 10);
  await history.loadAround(bob, 5);
  for (let n = 0; n < 3; n += 1) await history.loadNewer(bob);
  assert.deepEqual([bob.heldFrom, bob.heldTo, bob.isParted, problems], [LAST - 10, LAST, false, []]);
  assert.equal(server.asked, 2);
});

test("how far I have read what lies far down the list is asked for once, and again where the server had no time", async ({mock}) => {
  mock.timers.enable({apis: ["setTimeout"]});
  const {server, history, bob} = make();
  const overview = {withUserId: "bob", lastSeq: LAST, received: 7, read: 7, theirReceived: 0, theirRead: 0, unread: LAST - 7, lastMessage: chat(LAST)};
  let asked = 0;
  const busy = [new ChatError("busy", "not now")];
  Object.assign(server, {
    conversations: async () => ({conversations: [], next: "further down"}),
    conversation: async () => {
      asked += 1;
      if (busy.length) throw busy.pop();
      return {conversations: [overview]};
    },
  });
  await history.loadOlder(bob);
  assert.deepEqual([bob.messages.length, asked], [50, 0], "`ready` has not come");
  await history.sync();
  assert.deepEqual([asked, bob.isTold], [1, false]);
  mock.timers.tick(5000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([asked, bob.isTold, bob.read, bob.newFrom], [2, true, 7, 8]);
  await history.loadOlder(bob);
  assert.equal(asked, 2);
});

for (const [firstSeq, held, asked] of [[LAST - 4, [LAST - 4, LAST], 2], [121, [121, 145], 2], [10, [10, 25], 1]]) {
  test(`the first unread message was erased with those before ${firstSeq}: what comes after it is fetched, once`, async () => {
    const {server, history, bob, problems} = make(Number(firstSeq));
    await history.loadAround(bob, 1);
    await history.loadAround(bob, 1);
    assert.deepEqual([[bob.heldFrom, bob.heldTo], server.asked], [held, asked]);
    assert.equal(bob.isParted, bob.heldTo < LAST, "nothing is missing at the end of what is held to the end");
    await history.loadNewer(bob);
    assert.deepEqual([problems, bob.isStuck], [[], false]);
  });
}
