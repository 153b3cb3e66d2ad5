import assert from "node:assert/strict";
import {test} from "node:test";
import {eventBytes, isBlank, isEmojiAlone} from "../../static/js/models/message-text.js";

test("a text in which nothing can be seen is blank", () => {
  for (const text of ["", " \n\t", "\u200b", "\u2060\ufeff", "\u3164", "\u2800\u2800", "\u115f\u1160", "\u00ad\ufe0f", "\u{e0020}\u{e0101}", "\u202e"]) {
    assert.equal(isBlank(text), true, JSON.stringify(text));
  }
  for (const text of [".", "가", "👩‍👩‍👧", "❤️", "a\u200b", "\u0301e"]) assert.equal(isBlank(text), false, text);
});

test("a message is as long as the server counts it: bytes, with what JSON adds", () => {
  const empty = eventBytes("bob", "");
  assert.deepEqual(["a", "é", "한", "👩", '"', "\n"].map((text) => eventBytes("bob", text) - empty), [1, 2, 3, 4, 2, 2]);
  const sent = JSON.stringify({toUserId: "bob", message: "", clientId: crypto.randomUUID(), type: "chat", ref: "999999"});
  assert.ok(empty >= sent.length);
});

test("one to three emoji alone are told from other texts", () => {
  for (const text of ["🙂", "👩‍👩‍👧‍👦", "❤️", "👍🏽", "🇰🇷", "1️⃣", "🎉🎉🎉", " 🙂\n"]) assert.ok(isEmojiAlone(text), text);
  for (const text of ["", " ", "1", "12", "#", "🙂a", "🙂 ok", "🙂🙂🙂🙂", "가", "©", "x".repeat(60_000)]) assert.ok(!isEmojiAlone(text), text);
});
