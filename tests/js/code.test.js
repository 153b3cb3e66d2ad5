import assert from "node:assert/strict";
import {test} from "node:test";

import {partsOf} from "../../static/js/models/code.js";

const inline = (text) => ({text, code: "inline"});
const block = (text) => ({text, code: "block"});

for (const [text, parts] of [
  ["plain", [{text: "plain"}]],
  ["", []],
  ["run `make test` now", [{text: "run "}, inline("make test"), {text: " now"}]],
  ["`변수`를 쓴다", [inline("변수"), {text: "를 쓴다"}]],
  ["``a`b``", [inline("a`b")]],
  ["don`t, can`t", [{text: "don`t, can`t"}]],
  ["a ` alone", [{text: "a ` alone"}]],
  ["over `two\nlines`", [{text: "over `two\nlines`"}]],
  ["` `", [{text: "` `"}]],
  ["```js\nlet a = `b`;\n```\nafter", [block("let a = `b`;\n"), {text: "after"}]],
  ["see ```x < y```", [{text: "see "}, block("x < y\n")]],
  ["```\n  indented\n```", [block("  indented\n")]],
  ["``` never closed", [{text: "``` never closed"}]],
  ["```\n\n```", [{text: "```\n\n```"}]],
]) {
  test(`the code of ${JSON.stringify(text)} is found`, () => assert.deepEqual(partsOf(text), parts));
}

test("sixty thousand backticks are looked through in a moment", () => {
  for (const text of ["`".repeat(60_000), "` ``".repeat(15_000), "``` ".repeat(15_001), "`a\n".repeat(20_000), `\`${"``` `` ".repeat(8_000)}`]) {
    const start = performance.now();
    partsOf(text);
    assert.ok(performance.now() - start < 1000, text.slice(0, 12));
  }
});
