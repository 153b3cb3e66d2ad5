import assert from "node:assert/strict";
import {test} from "node:test";
import {TabSession} from "../../static/js/models/tab-session.js";
import {FakeStorage} from "./storage.js";

const opened = {userId: "alice", token: "t1", hasPassword: true, expiresAt: "2026-01-31T09:30:00.000Z"};

test("a session outlives a reload, and nothing is left of it when it ends", () => {
  const storage = new FakeStorage();
  new TabSession(storage).store(opened);
  const {userId, token, hasPassword} = new TabSession(storage);
  assert.deepEqual([userId, token, hasPassword], ["alice", "t1", true]);
  new TabSession(storage).clear();
  assert.equal(storage.keys.length, 0);
});

test("a token that the socket did not show is a new one", () => {
  const session = new TabSession(new FakeStorage());
  assert.equal(session.showToken(), undefined);
  assert.equal(session.hasNewToken, false);
  session.store(opened);
  assert.equal(session.hasNewToken, true);
  assert.equal(session.showToken(), "t1");
  assert.equal(session.hasNewToken, false);
});

test("who was sent away is remembered once, signed in no more", () => {
  const session = new TabSession(new FakeStorage());
  session.store(opened);
  session.sendAway("alice", "password_changed");
  assert.equal(session.userId, null);
  assert.deepEqual([session.takeSentAway(), session.takeSentAway()], [{userId: "alice", code: "password_changed"}, null]);
});
