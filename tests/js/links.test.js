import assert from "node:assert/strict";
import {test} from "node:test";
import {piecesOf} from "../../static/js/models/links.js";

/** @param {string} text */
const links = (text) => piecesOf(text).filter(({href}) => href).map(({text}) => text);

test("addresses of the web and of mail become links", () => {
  assert.deepEqual(links("see http://a.example and https://b.example/x?y=1#z, or mailto:me@c.example"), [
    "http://a.example", "https://b.example/x?y=1#z", "mailto:me@c.example",
  ]);
});

test("nothing else does", () => {
  for (const text of ["javascript:alert(1)", "JavaScript://x.example/%0aalert(1)", "data:text/html,x", "file:///etc/passwd",
    "ftp://a.example", "www.example", "www.", "xwww.a.example", "@a.example", "me@localhost", "https://", "http:///", "mailto:", "mailto:nobody", "xhttps://a.example", "blob:https://a.example/1"]) {
    assert.deepEqual(links(text).filter((link) => !link.startsWith("https://a.example")), [], text);
  }
  for (const {href} of piecesOf("JavaScript://x.example/%0aalert(1) https://ok.example")) {
    assert.ok(!href || href.startsWith("https://ok.example"));
  }
});

test("what ends a sentence or a bracket is not the address's", () => {
  assert.deepEqual(links("(https://a.example/x). \"https://b.example\"! https://c.example/y_(z)?"), [
    "https://a.example/x", "https://b.example", "https://c.example/y_(z)",
  ]);
});

test("a Korean particle behind a host is not the address's, and Korean in a path is", () => {
  assert.deepEqual(links("https://a.example에서 봐, https://ko.wikipedia.org/wiki/한글 그리고 https://한글.kr"), [
    "https://a.example", "https://ko.wikipedia.org/wiki/한글", "https://한글.kr",
  ]);
});

test("the pieces are the text again, letter by letter", () => {
  for (const text of ["", "no link", "https://a.example", "a https://a.example\n\n<b>https://b.example</b> &amp;", "👩‍👩‍👧 https://a.example/👩"]) {
    assert.equal(piecesOf(text).map((piece) => piece.text).join(""), text);
  }
});

test("what somebody piles up behind an address costs its length, not its square", {timeout: 5000}, () => {
  for (const [pile, href] of [[")", "http://a/"], ["].", "http://a/"], ["가", undefined], ["a가", undefined]]) {
    const text = `http://a${/** @type {string} */ (pile).repeat(60_000)}!`;
    const [first] = piecesOf(text);
    if (href) assert.equal(first.href, href);
    assert.equal(piecesOf(text).map((piece) => piece.text).join(""), text);
  }
});

test("addresses without a protocol are links too", () => {
  const hrefs = (/** @type {string} */ text) => piecesOf(text).filter(({href}) => href).map(({href}) => href);
  assert.deepEqual(hrefs("www.example.com/a, me.too+x@mail.example.org에게 (a@b.example)"), [
    "https://www.example.com/a", "mailto:me.too+x@mail.example.org", "mailto:a@b.example",
  ]);
});

test("brackets and full stops of any script end an address, and so does Markdown", () => {
  for (const [text, link] of [
    ["「https://a.example/x」です", "https://a.example/x"], ["（https://a.example）", "https://a.example"],
    ["见https://a.example/x。谢谢", "https://a.example/x"], ["https://a.example/x、y", "https://a.example/x"],
    ["(https://a.example)에서", "https://a.example"], ["(https://a.example/x)에서", "https://a.example/x"],
    ["[이것](https://a.example/x)은", "https://a.example/x"], ["**https://a.example/x**", "https://a.example/x"],
    ["**https://a.example**입니다", "https://a.example"], ["https://a.exampleを見て", "https://a.example"],
    ["_https://a.example_", "https://a.example"], ["“https://a.example/x”라고", "https://a.example/x"],
    ["www.example.com에서", "www.example.com"], ["https://[::1]:8000/x", "https://[::1]:8000/x"],
  ]) assert.deepEqual(links(text), [link], text);
});
