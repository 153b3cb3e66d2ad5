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
  assert.deepEqual([session.takeSentAway(), session.takeSentAway()], [{userId: "alice", code: "password_changed", hasPassword: true}, null]);
});

test("whom the page around lends is known as such until they leave, with a token or without", () => {
  const tab = new FakeStorage();
  const session = new TabSession(tab, new FakeStorage());
  session.store(opened, false);
  assert.equal(session.isLent, false);
  session.borrow({userId: "bob", token: "t2"});
  assert.deepEqual([session.userId, session.token, session.isLent], ["bob", "t2", true]);
  session.store({...opened, userId: "bob", token: "t3"});
  assert.equal(new TabSession(tab).isLent, true, "a new token changes nothing of it");
  session.borrow({userId: "eve"});
  assert.equal(session.showToken(), undefined);
  session.clear();
  session.store({...opened, userId: "eve"}, false);
  assert.equal(session.isLent, false);
});

test("who is to stay signed in is so in all tabs, and leaves them together; who is not, in one alone", () => {
  const all = new FakeStorage();
  const tabs = [1, 2, 3].map(() => new TabSession(new FakeStorage(), all));
  tabs[0].store({...opened, userId: "bob"}, false);
  assert.deepEqual(tabs.map(({userId}) => userId), ["bob", null, null]);
  tabs[1].store(opened, true);
  assert.deepEqual(tabs.map(({userId, isKept}) => [userId, isKept]), [["bob", false], ["alice", true], ["alice", true]]);
  tabs[2].showToken();
  tabs[1].store({...opened, token: "t2"});
  assert.deepEqual([tabs[2].token, tabs[2].hasNewToken, tabs[0].token], ["t2", true, "t1"]);
  assert.equal(tabs[2].isChangedBy({key: "chat.userId"}, "alice"), false);
  tabs[1].clear();
  assert.deepEqual(tabs.map((tab) => tab.isChangedBy({key: "chat.userId"}, tab.userId ?? "alice")), [false, true, true]);
  assert.deepEqual([tabs[0].userId, all.keys], ["bob", []]);
});
