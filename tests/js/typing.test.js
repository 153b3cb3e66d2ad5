import assert from "node:assert/strict";
import {afterEach, beforeEach, test} from "node:test";
import {FakeClock} from "./globals.js";
import {Typing} from "../../static/js/models/typing.js";

/** @type {FakeClock} */
let clock;
beforeEach(() => (clock = new FakeClock()));
afterEach(() => clock.restore());

function watch() {
  /** @type {string[]} */
  const told = [];
  /** @type {boolean[]} */
  const shown = [];
  const typing = new Typing((_, isTyping) => shown.push(isTyping), (userId) => told.push(userId));
  return {typing, told, shown};
}

test("somebody who goes on typing tells it every two seconds, and the last key counts too", () => {
  const {typing, told} = watch();
  for (let key = 0; key < 10; key += 1) {
    typing.note("bob");
    clock.tick(300);
  }
  assert.equal(told.length, 2);
  clock.tick(1200);
  assert.equal(told.length, 3, "typed since the second");
  clock.tick(60_000);
  assert.equal(told.length, 3);
});

test("the hint does not go out between two keys three seconds apart", () => {
  const receiver = watch();
  const typing = new Typing(() => {}, () => receiver.typing.receive("alice"));
  typing.note("bob");
  clock.tick(1500);
  typing.note("bob");
  clock.tick(3000);
  typing.note("bob");
  assert.ok(!receiver.shown.includes(false));
  clock.tick(2000);
  clock.tick(6000);
  assert.equal(receiver.shown.at(-1), false);
});

test("what was sent or deleted is told no more", () => {
  const {typing, told} = watch();
  typing.note("bob");
  typing.note("bob");
  typing.reset("bob");
  clock.tick(10_000);
  assert.deepEqual(told, ["bob"]);
  typing.note("bob");
  assert.equal(told.length, 2, "the next key is a new beginning");
});
