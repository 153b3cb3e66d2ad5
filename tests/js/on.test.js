import assert from "node:assert/strict";
import {test} from "node:test";
import {onceForAll} from "../../static/js/on.js";

test("what three hundred events ask for is drawn once, behind them, and the next one anew", async () => {
  let drawn = 0;
  /** @type {(value?: unknown) => void} */
  let tell = () => undefined;
  const next = () => new Promise((resolve) => (tell = resolve));
  const ask = onceForAll(() => {
    drawn += 1;
    tell();
  });
  for (const expected of [1, 2]) {
    const done = next();
    for (let event = 0; event < 300; event += 1) ask();
    assert.equal(drawn, expected - 1);
    await done;
    assert.equal(drawn, expected);
  }
});
