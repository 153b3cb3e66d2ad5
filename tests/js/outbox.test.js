import assert from "node:assert/strict";
import {afterEach, beforeEach, test} from "node:test";
import {FakeClock} from "./globals.js";
import {FakeStorage} from "./storage.js";
import {ChatError} from "../../static/js/chat-socket.js";
import {Outbox} from "../../static/js/models/outbox.js";
import {Sender} from "../../static/js/models/sender.js";

/** @type {FakeClock} */
let clock;
beforeEach(() => (clock = new FakeClock()));
afterEach(() => clock.restore());

/** Lets promises that are settled go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** @param {any} [storage] */
function make(storage = new FakeStorage()) {
  const outbox = new Outbox("alice", storage);
  /** @type {string[]} */
  const events = [];
  for (const type of ["write", "change", "settle", "discard", "unkept"]) outbox.addEventListener(type, () => events.push(type));
  const texts = () => outbox.entries.map(({text}) => text);
  return {outbox, storage, events, texts};
}

test("what was written outlives the page, in its order, until the server has it", () => {
  const {outbox, storage} = make();
  for (const text of ["one", "two", "three"]) outbox.add("bob", text);
  const [first] = outbox.entries;
  outbox.settle(first.clientId, {seq: 1, timestamp: ""});
  assert.deepEqual(make(storage).texts(), ["two", "three"]);
});

test("what was written first goes first, though the clock was set back and the page loaded anew", () => {
  const {outbox, storage} = make();
  outbox.add("bob", "one");
  const one = outbox.entries[0].clientId;
  storage.setItem("chat.outbox.alice/0", JSON.stringify({...JSON.parse(storage.getItem(`chat.outbox.alice/${one}`)), clientId: "0", text: "two", order: 2}));
  assert.deepEqual(make(storage).texts(), ["one", "two"]);
});

test("another person on this computer does not get it", () => {
  const {outbox, storage} = make();
  outbox.add("bob", "mine");
  assert.deepEqual(new Outbox("alic", storage).entries, []);
});

test("where the browser keeps nothing it is at risk, and somebody is told", () => {
  const {outbox, storage, events} = make();
  storage.isFull = true;
  outbox.add("bob", "kept nowhere");
  assert.equal(outbox.isAtRisk, true);
  assert.deepEqual(events, ["write", "unkept"]);
});

test("more than anybody writes by hand is refused, and nothing is lost of it", () => {
  const {outbox} = make();
  for (let number = 0; number < 201; number++) outbox.add("bob", `number ${number}`);
  const last = /** @type {any} */ (outbox.entries.at(-1));
  assert.equal(last.problem.code, "too_many_waiting");
  assert.equal(last.text, "number 200");
  assert.equal(outbox.next("bob")?.text, "number 0");
});

test("a refused message waits for a decision, and goes again as the same one", () => {
  const {outbox} = make();
  outbox.add("bob", "hm");
  const [{clientId}] = outbox.entries;
  outbox.fail(clientId, {code: "invalid_field", detail: ""});
  assert.equal(outbox.next("bob"), undefined);
  outbox.retry(clientId);
  assert.equal(outbox.next("bob")?.clientId, clientId);
  outbox.fail(clientId, {code: "conflict", detail: ""});
  outbox.retry(clientId);
  assert.notEqual(outbox.next("bob")?.clientId, clientId);
  assert.equal(outbox.entries.length, 1);
});

test("what another tab wrote is sent here only if that tab seems gone", () => {
  const {outbox, events} = make();
  const key = "chat.outbox.alice/0190";
  const entry = {clientId: "0190", toUserId: "bob", text: "from there", writtenAt: 0};
  outbox.applyStorageChange({key, newValue: JSON.stringify(entry)});
  assert.equal(outbox.next("bob"), undefined);
  assert.equal(outbox.next("bob", Date.now() + 10_001)?.text, "from there");
  outbox.applyStorageChange({key, newValue: JSON.stringify({...entry, ack: {seq: 1, timestamp: ""}})});
  assert.deepEqual([outbox.entries, events], [[], ["write", "settle"]]);
});

test("what somebody else put under our keys is passed over", () => {
  const storage = new FakeStorage();
  storage.setItem("chat.outbox.alice/x", "{not json");
  storage.setItem("chat.outbox.alice/y", '{"text": 7}');
  assert.deepEqual(make(storage).texts(), []);
});

test("the sender keeps each person's order, and waits as long as the server says", async () => {
  const {outbox} = make();
  /** @type {string[]} */
  const sent = [];
  /** @type {any[]} */
  const answers = [new ChatError("rate_limited", "", {retryAfter: 7})];
  const sender = new Sender(outbox, async ({text}) => {
    sent.push(text);
    const answer = answers.shift();
    if (answer) throw answer;
    return {seq: sent.length, timestamp: ""};
  });
  sender.setOnline(true);
  outbox.add("bob", "one");
  outbox.add("bob", "two");
  outbox.add("carol", "hi");
  await turn();
  assert.deepEqual(sent, ["one", "hi"]);
  clock.tick(6_999);
  await turn();
  assert.deepEqual(sent, ["one", "hi"]);
  clock.tick(1);
  await turn();
  assert.deepEqual([sent, outbox.entries], [["one", "hi", "one", "two"], []]);
});

test("signing out leaves no failed message in the browser, and what waits stays", () => {
  const {outbox, storage, texts} = make();
  for (const text of ["secret", "waits"]) outbox.add("bob", text);
  outbox.fail(outbox.entries[0].clientId, {code: "blocked", detail: ""});
  outbox.forgetFailed();
  assert.deepEqual([texts(), make(storage).texts()], [["waits"], ["waits"]]);
});
