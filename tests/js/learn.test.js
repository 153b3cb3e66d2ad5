import assert from "node:assert/strict";
import {createHash} from "node:crypto";
import {test} from "node:test";
import {EXAMPLE_MASK, frameOf, hexOf, partsOf} from "../../static/js/learn/frame-bits.js";
import {acceptOf, sha1} from "../../static/js/learn/sha1.js";

test("the answer to the RFC's example key is the RFC's, and SHA-1 is node's own for every length around a block's", () => {
  assert.equal(acceptOf("dGhlIHNhbXBsZSBub25jZQ==").accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  for (let size = 0; size < 130; size++) {
    const data = new Uint8Array(size).fill(size);
    assert.deepEqual([...sha1(data)], [...createHash("sha1").update(data).digest()], `${size} bytes`);
  }
});

test("a frame is the RFC's example, and its parts are all of its bits", () => {
  const {bytes} = frameOf("Hello", EXAMPLE_MASK);
  assert.equal(bytes.map(hexOf).join(" "), "81 85 37 fa 21 3d 7f 9f 4d 51 58");
  assert.deepEqual(partsOf(bytes).map(({name}) => name), ["fin", "rsv", "opcode", "masked", "length", "key", "payload"]);
  assert.equal(partsOf(bytes).map(({bits}) => bits).join("").length, bytes.length * 8);
  const long = frameOf("안".repeat(100), []).bytes;
  assert.deepEqual(partsOf(long).map(({name, bits}) => [name, bits.length]).slice(4), [["length", 7], ["further", 16], ["payload", 2400]]);
});
