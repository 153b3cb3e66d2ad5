import assert from "node:assert/strict";
import {test} from "node:test";
import {excerpt} from "../../static/js/models/excerpt.js";

test("what was found stands between what is before and behind it, whatever its case", () => {
  assert.deepEqual(excerpt("See you at the Library at noon", "library"), {lead: "See you at the ", found: "Library", tail: " at noon"});
});

test("letters that get longer when they are lowered do not move the mark", () => {
  assert.deepEqual(excerpt("İİİ word behind", "WORD"), {lead: "İİİ ", found: "word", tail: " behind"});
});

test("Korean in parts is marked by whole letters, and so is a question in parts", () => {
  const inParts = "새 학교 사진".normalize("NFD");
  for (const form of ["NFC", "NFD"]) {
    const {lead, found, tail} = excerpt(inParts, "학교".normalize(form));
    assert.deepEqual([lead, found, tail].map((part) => part.normalize("NFC")), ["새 ", "학교", " 사진"]);
  }
});

test("an emoji of several parts is not cut, neither before nor behind", () => {
  const family = "👨‍👩‍👧‍👦";
  const {lead, found, tail} = excerpt(`${family.repeat(60)}here${family.repeat(300)}`, "here");
  assert.deepEqual({lead, found, tail}, {lead: `…${family.repeat(24)}`, found: "here", tail: family.repeat(116)});
});

test("where nothing is marked the beginning is shown", () => {
  assert.deepEqual(excerpt("straße", "STRASSE"), {lead: "", found: "", tail: "straße"});
});

test("half of a letter is marked as the whole of it", () => {
  assert.deepEqual(excerpt("a 👨‍👩‍👧 b", "👨"), {lead: "a ", found: "👨‍👩‍👧", tail: " b"});
});

test("of a very long message only what is shown is looked at", () => {
  const {lead, found} = excerpt(`${"가나다 ".repeat(16_000)}끝`, "끝");
  assert.equal(lead, `…${"가나다 ".repeat(6)}`);
  assert.equal(found, "끝");
});
