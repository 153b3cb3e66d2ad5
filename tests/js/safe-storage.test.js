import assert from "node:assert/strict";
import {test} from "node:test";
import {BrowserStorage} from "./storage.js";
import {SafeStorage} from "../../static/js/models/safe-storage.js";

test("where the browser lets us keep nothing it is kept in memory, and somebody can know", () => {
  const storage = new SafeStorage(() => {
    throw new DOMException("denied", "SecurityError");
  });
  assert.equal(storage.keeps, false);
  assert.equal(storage.setItem("a", "1"), false);
  assert.deepEqual([storage.getItem("a"), storage.getItem("b"), storage.keys], ["1", null, ["a"]]);
  storage.removeItem("a");
  assert.deepEqual(storage.keys, []);
});

test("what a full browser refuses holds for this page, which is told once", () => {
  const browser = new BrowserStorage();
  const storage = new SafeStorage(() => /** @type {any} */ (browser));
  let told = 0;
  storage.addEventListener("unkept", () => (told += 1));
  assert.equal(storage.setItem("language", "en"), true);
  browser.isFull = true;
  for (const code of ["ko", "en", "ko"]) storage.setItem("language", code);
  assert.deepEqual([storage.getItem("language"), browser.getItem("language"), told], ["ko", "en", 1]);
  storage.hear({key: "language", oldValue: null, newValue: "en"});
  assert.equal(storage.getItem("language"), "en", "another tab's word is newer");
});

test("two chats of one origin see nothing of each other's, and hear of it neither", () => {
  const browser = new BrowserStorage();
  const [root, red, blue] = ["", "red/chat/", "blue/chat/"].map((scope) => new SafeStorage(() => /** @type {any} */ (browser), scope));
  for (const [index, storage] of [root, red, blue].entries()) storage.setItem("chat.draft", `${index}`);
  assert.deepEqual([root, red, blue].map((storage) => storage.getItem("chat.draft")), ["0", "1", "2"]);
  assert.deepEqual([red.keys, blue.keys], [["chat.draft"], ["chat.draft"]]);
  /** @type {(string | null)[]} */
  const heard = [];
  red.addEventListener("change", (event) => heard.push(/** @type {CustomEvent} */ (event).detail.key));
  for (const key of ["chat.draft", "blue/chat/chat.draft", "red/chat/chat.draft", null]) red.hear({key, oldValue: null, newValue: null});
  assert.deepEqual(heard, ["chat.draft", null]);
  red.removeItem("chat.draft");
  assert.deepEqual([root, red, blue].map((storage) => storage.getItem("chat.draft")), ["0", null, "2"]);
});
