import assert from "node:assert/strict";
import {test} from "node:test";
import {Unread} from "../../static/js/models/unread.js";

const standing = (withUserId, lastSeq, read, unread) => ({conversationId: `~${withUserId}`, withUserId, lastSeq, read, unread});
const chat = (fromUserId, toUserId, seq) => ({conversationId: `~${fromUserId === "me" ? toUserId : fromUserId}`, fromUserId, toUserId, seq});
const receipt = (withUserId, read, userId = "me") => ({conversationId: `~${withUserId}`, userId, read});

function ready(conversations = [], settings = []) {
  const unread = new Unread();
  unread.applyReady({userId: "me", conversations, settings});
  return unread;
}

test("what ready counted and what came since are unread, each once, and none that I wrote", () => {
  const unread = ready([standing("bob", 5, 3, 2)]);
  for (const seq of [5, 6, 6]) unread.receive(chat("bob", "me", seq));
  unread.receive(chat("me", "bob", 7));
  unread.receive(chat("new", "me", 1));
  unread.receive({...chat("me", "me", 1), conversationId: "~me"});
  assert.equal(unread.count, 4);
});

test("what was read here or elsewhere counts down, though I have answered since", () => {
  const unread = ready([standing("bob", 5, 3, 2), standing("eve", 9, 9, 0)]);
  unread.receive(chat("bob", "me", 6));
  unread.receive(chat("me", "bob", 7));
  unread.applyReceipt(receipt("bob", 4));
  assert.equal(unread.count, 2);
  unread.applyReceipt(receipt("bob", 7, "bob"));
  assert.equal(unread.count, 2, "theirs says nothing of mine");
  unread.applyReceipt(receipt("bob", 6));
  assert.equal(unread.count, 0);
  unread.applyReceipt(receipt("nobody", 6));
});

test("muted conversations are not counted while they are muted", () => {
  const unread = ready([standing("bob", 2, 0, 2), standing("eve", 1, 0, 1)], [{withUserId: "bob", muted: true}]);
  assert.equal(unread.count, 1);
  unread.applySettings({settings: {withUserId: "bob", muted: false}});
  unread.applySettings({settings: {withUserId: "eve", muted: true}});
  assert.equal(unread.count, 2);
});

test("the next ready counts anew", () => {
  const unread = ready([standing("bob", 2, 0, 2)]);
  unread.receive(chat("bob", "me", 3));
  unread.applyReady({userId: "me", conversations: [standing("bob", 3, 3, 0)]});
  assert.equal(unread.count, 0);
});
