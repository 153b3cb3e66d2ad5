// @ts-check
/** Owns the parts of a frame (RFC 6455, section 5.2), as far as the lesson shows them. Knows no page. */

/** @typedef {{name: "fin" | "rsv" | "opcode" | "masked" | "length" | "further" | "key" | "payload", bits: string}} Part */

/** The mask of the RFC's own example. */
export const EXAMPLE_MASK = [0x37, 0xfa, 0x21, 0x3d];

/** One text in one frame. @param {string} text @param {number[]} mask four bytes; none: a server's frame */
export function frameOf(text, mask) {
  const content = [...new TextEncoder().encode(text)];
  const size = content.length;
  const length = size < 126 ? [size] : [126, size >> 8, size & 0xff];
  const body = mask.length ? content.map((byte, index) => byte ^ mask[index % 4]) : content;
  const head = [0x81, (mask.length ? 0x80 : 0) | length[0], ...length.slice(1)];
  return {bytes: [...head, ...mask, ...body], content, body};
}

/** Which bits are what. @param {number[]} bytes a whole frame @returns {Part[]} */
export function partsOf(bytes) {
  const [first, second] = bytes.map(bitsOf);
  const further = (bytes[1] & 0x7f) === 126 ? 2 : 0;
  const key = bytes[1] & 0x80 ? 4 : 0;
  const rest = bytes.map(bitsOf).slice(2);
  /** @type {Part[]} */
  const parts = [
    {name: "fin", bits: first.slice(0, 1)},
    {name: "rsv", bits: first.slice(1, 4)},
    {name: "opcode", bits: first.slice(4)},
    {name: "masked", bits: second.slice(0, 1)},
    {name: "length", bits: second.slice(1)},
    {name: "further", bits: rest.slice(0, further).join("")},
    {name: "key", bits: rest.slice(further, further + key).join("")},
    {name: "payload", bits: rest.slice(further + key).join("")},
  ];
  return parts.filter(({bits}) => bits);
}

/** @param {number} byte */
export function bitsOf(byte) {
  return byte.toString(2).padStart(8, "0");
}

/** @param {number} byte */
export function hexOf(byte) {
  return byte.toString(16).padStart(2, "0");
}

/** @param {string} hex @returns {number[]} */
export function bytesOf(hex) {
  return (hex.match(/../g) ?? []).map((pair) => parseInt(pair, 16));
}
