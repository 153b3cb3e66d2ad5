import assert from "node:assert/strict";
import {test} from "node:test";
import {Drafts} from "../../static/js/models/drafts.js";
import {Names} from "../../static/js/models/names.js";
import {FakeStorage} from "./storage.js";

test("each conversation of each person has its own draft", () => {
  const storage = new FakeStorage();
  const drafts = new Drafts("alice", storage);
  drafts.set("bob", "half a ");
  drafts.set("carol", "안녕");
  assert.equal(new Drafts("alice", storage).get("bob"), "half a ");
  assert.equal(new Drafts("alice", storage).get("carol"), "안녕");
  assert.equal(new Drafts("dave", storage).get("bob"), "");
  drafts.set("bob", "");
  assert.equal(drafts.get("bob"), "");
});

test("signing out leaves none of one's own, and all of others'", () => {
  const storage = new FakeStorage();
  for (const me of ["al", "alice"]) new Drafts(me, storage).set("bob", me);
  storage.setItem("chat.language", "ko");
  new Drafts("al", storage).forget();
  assert.equal(new Drafts("al", storage).get("bob"), "");
  assert.equal(new Drafts("alice", storage).get("bob"), "alice");
  assert.equal(storage.getItem("chat.language"), "ko");
});

test("ids of a site that hold a colon are told apart", () => {
  const storage = new FakeStorage();
  new Drafts("a", storage).set("b:c", "of a");
  new Drafts("a:b", storage).set("c", "of a:b");
  assert.equal(new Drafts("a", storage).get("b:c"), "of a");
  new Drafts("a", storage).forget();
  assert.equal(new Drafts("a:b", storage).get("c"), "of a:b");
});

test("a full storage does not keep anybody from writing", () => {
  const storage = new FakeStorage();
  storage.isFull = true;
  const drafts = new Drafts("alice", storage);
  drafts.set("bob", "text");
  assert.equal(drafts.get("bob"), "text", "for as long as the page is there");
});

test("what another tab wrote or sent stands here too, unless something else was written here", () => {
  const storage = new FakeStorage();
  const names = new Names();
  names.learn(["BOB"], {BOB: "bob"});
  const drafts = new Drafts("alice", storage, names);
  drafts.set("bob", "old");
  const [key] = storage.keys;
  assert.equal(drafts.read({key, oldValue: "old", newValue: "older"}, "BOB", "old"), "older");
  assert.equal(drafts.read({key, oldValue: "old", newValue: null}, "bob", "old"), "", "it was sent");
  assert.equal(drafts.read({key, oldValue: null, newValue: "a"}, "bob", ""), "a");
  assert.equal(drafts.read({key, oldValue: "old", newValue: "older"}, "bob", "my own"), undefined);
  assert.equal(drafts.read({key, oldValue: "", newValue: "a"}, "carol", ""), undefined);
});

test("what was written to a name before anybody knew whose it is goes behind what stood there", () => {
  const storage = new FakeStorage();
  const names = new Names();
  const drafts = new Drafts("alice", storage, names);
  drafts.set("bob", "old");
  drafts.set("BOB", "new");
  names.learn(["BOB"], {BOB: "bob"});
  assert.equal(drafts.move("BOB", "bob", "new"), "old\nnew");
  assert.deepEqual([...storage.keys].map((key) => storage.getItem(key)), ["old\nnew"]);
});
