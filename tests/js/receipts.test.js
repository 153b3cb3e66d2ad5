import assert from "node:assert/strict";
import {afterEach, beforeEach, test} from "node:test";
import {FakeClock} from "./globals.js";
import {ChatError} from "../../static/js/chat-socket.js";
import {Receipts} from "../../static/js/models/receipts.js";

/** @type {FakeClock} */
let clock;
beforeEach(() => (clock = new FakeClock()));
afterEach(() => clock.restore());

/** Lets promises that are settled go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

function make() {
  /** @type {string[]} */
  const sent = [];
  /** @type {string[]} codes that the next pointers are refused with */
  const refusals = [];
  const receipts = new Receipts(async (kind, {withUserId, seq}) => {
    sent.push(`${kind} ${withUserId} ${seq}`);
    const code = refusals.shift();
    if (code) throw new ChatError(code, code);
  });
  return {receipts, sent, refusals};
}

test("one pointer stands for all before it, and read says received too", () => {
  const {receipts, sent} = make();
  for (const seq of [1, 2, 3]) receipts.schedule("received", "bob", seq);
  receipts.schedule("read", "bob", 3);
  receipts.schedule("received", "carol", 1);
  clock.tick(50);
  assert.deepEqual(sent, ["read bob 3", "received carol 1"]);
});

test("what a busy server did not take is sent again, what the next connection repeats is not", async () => {
  const {receipts, sent, refusals} = make();
  refusals.push("unavailable", "connection_lost", "forbidden");
  for (const name of ["bob", "carol", "dave"]) receipts.schedule("read", name, 1);
  clock.tick(50);
  await turn();
  assert.equal(sent.length, 3);
  clock.tick(5000);
  clock.tick(50);
  assert.deepEqual(sent.slice(3), ["read bob 1"]);
});

test("a pointer of another epoch is not told, nor told again", async () => {
  const {receipts, sent, refusals} = make();
  refusals.push("unavailable");
  receipts.schedule("read", "bob", 6);
  clock.tick(50);
  await turn();
  receipts.schedule("received", "carol", 6);
  receipts.forget();
  clock.tick(5000);
  clock.tick(50);
  assert.deepEqual(sent, ["read bob 6"]);
});
