import assert from "node:assert/strict";
import {afterEach, beforeEach, test} from "node:test";
import {FakeClock} from "./globals.js";
import {FakeStorage} from "./storage.js";
import {ChatError} from "../../static/js/chat-socket.js";
import {Names} from "../../static/js/models/names.js";
import {Outbox} from "../../static/js/models/outbox.js";

/** @type {FakeClock} */
let clock;
beforeEach(() => (clock = new FakeClock()));
afterEach(() => clock.restore());

/** Lets promises that are settled go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("two names are one person's where the server says so, and nowhere else", () => {
  const names = new Names();
  names.learn(["Kiz", "kız", "WEIẞ", "weiß", "constructor"], {Kiz: "kiz", "WEIẞ": "weiss", "weiß": "weiss"});
  assert.equal(names.keyOf("WEIẞ"), names.keyOf("weiß"));
  assert.notEqual(names.keyOf("Kiz"), names.keyOf("kız"));
  assert.notEqual(names.keyOf("KIZ"), "kiz", "nobody said so");
  assert.equal(names.keyOf("constructor"), "constructor");
});

test("a typed name is asked for once at a time, and again where the server did not answer", async () => {
  /** @type {string[]} */
  const asked = [];
  /** @type {any[]} */
  const answers = [new ChatError("connection_lost", ""), {userId: "Bob", keys: {Bob: "bob"}}, new ChatError("unknown_user", "")];
  const names = new Names(async (typed) => {
    asked.push(typed);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  });
  /** @type {any[]} */
  const told = [];
  for (const type of ["found", "problem"]) names.addEventListener(type, (event) => told.push([type, /** @type {CustomEvent} */ (event).detail]));
  assert.equal(names.isUnasked("BOB"), true);
  await Promise.all([names.ask("BOB"), names.ask("BOB")]);
  assert.deepEqual([asked.length, told[0][0], told[0][1].isFinal], [1, "problem", false]);
  clock.tick(5000);
  await turn();
  assert.deepEqual(told[1], ["found", {typed: "BOB", userId: "Bob"}]);
  assert.deepEqual(["BOB", "Bob"].map((name) => [names.keyOf(name), names.isUnasked(name)]), [["bob", false], ["bob", false]]);
  await names.ask("nobody");
  clock.tick(60_000);
  await turn();
  assert.deepEqual([asked.length, told[2][1].isFinal], [3, true]);
});

test("what is written to a typed name is not sent before the server has said whose it is, and then in its order", () => {
  const storage = new FakeStorage();
  const ask = () => new Promise(() => {});
  const names = new Names(/** @type {any} */ (ask));
  names.learn(["bob"]);
  const outbox = new Outbox("alice", storage, names);
  outbox.add("BOB", "one");
  outbox.add("bob", "two");
  assert.equal(outbox.next("BOB"), undefined);
  names.learn(["BOB"], {BOB: "bob"});
  assert.equal(outbox.next("bob")?.text, "one");
  outbox.add("BOB", "three");
  const later = new Names(/** @type {any} */ (ask));
  assert.equal(new Outbox("alice", storage, later).entries.length, 3);
  assert.equal(later.keyOf("BOB"), "bob", "kept with the message");
});

test("a message to nobody is not lost: it stands there with the reason", () => {
  const outbox = new Outbox("alice", new FakeStorage());
  outbox.add("nobody", "hi");
  outbox.failAll("nobody", {code: "unknown_user", detail: ""});
  assert.deepEqual(outbox.entries.map(({text, problem}) => [text, problem?.code]), [["hi", "unknown_user"]]);
});
