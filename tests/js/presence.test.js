import assert from "node:assert/strict";
import {afterEach, beforeEach, test} from "node:test";
import {FakeClock} from "./globals.js";
import {Attention} from "../../static/js/models/presence.js";

/** @type {FakeClock} */
let clock;
beforeEach(() => (clock = new FakeClock()));
afterEach(() => clock.restore());

function watch() {
  /** @type {boolean[]} */
  const told = [];
  const attention = new Attention();
  attention.addEventListener("change", () => told.push(attention.isAway));
  return {told, attention};
}

test("a hidden tab is away, and back when it is seen", () => {
  const {told, attention} = watch();
  attention.setHidden(true);
  attention.setHidden(true);
  attention.setHidden(false);
  assert.deepEqual(told, [true, false]);
});

test("five minutes without a touch are away, and a touch is back", () => {
  const {told, attention} = watch();
  clock.tick(4 * 60_000);
  attention.noteActivity();
  clock.tick(4 * 60_000);
  assert.deepEqual(told, []);
  clock.tick(60_000);
  assert.deepEqual(told, [true]);
  attention.noteActivity();
  assert.deepEqual(told, [true, false]);
});

test("who is idle and then hides the tab was away before", () => {
  const {told, attention} = watch();
  clock.tick(5 * 60_000);
  attention.setHidden(true);
  attention.setHidden(false);
  assert.deepEqual(told, [true, false]);
  assert.equal(attention.isAway, false);
});
