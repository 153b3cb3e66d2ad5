// @ts-check
/**
 * Owns the answer to a handshake, as a server computes it (RFC 6455, section 4.2.2). By hand: browsers have crypto.subtle
 * on pages of TLS and of this machine alone, and a class looks at a teacher's address without TLS.
 */

export const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** @param {string} key the header Sec-WebSocket-Key */
export function acceptOf(key) {
  const digest = sha1(new TextEncoder().encode(key + GUID));
  return {joined: key + GUID, digest, accept: btoa(String.fromCharCode(...digest))};
}

/** FIPS 180-4, section 6.1. @param {Uint8Array} data @returns {Uint8Array} */
export function sha1(data) {
  const blocks = Math.ceil((data.length + 9) / 64);
  const padded = new DataView(new ArrayBuffer(blocks * 64));
  data.forEach((byte, index) => padded.setUint8(index, byte));
  padded.setUint8(data.length, 0x80);
  padded.setUint32(blocks * 64 - 4, data.length * 8);
  const hash = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  for (let start = 0; start < padded.byteLength; start += 64) {
    const words = Array.from({length: 16}, (_, index) => padded.getUint32(start + index * 4));
    for (let i = 16; i < 80; i++) words.push(turn(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1));
    let [a, b, c, d, e] = hash;
    words.forEach((word, i) => {
      const [mixed, constant] = ROUNDS[Math.floor(i / 20)](b, c, d);
      [a, b, c, d, e] = [(turn(a, 5) + mixed + e + constant + word) | 0, a, turn(b, 30), c, d];
    });
    [a, b, c, d, e].forEach((value, index) => (hash[index] = (hash[index] + value) | 0));
  }
  const digest = new DataView(new ArrayBuffer(20));
  hash.forEach((value, index) => digest.setInt32(index * 4, value));
  return new Uint8Array(digest.buffer);
}

/** @type {((b: number, c: number, d: number) => [number, number])[]} */
const ROUNDS = [
  (b, c, d) => [(b & c) | (~b & d), 0x5a827999],
  (b, c, d) => [b ^ c ^ d, 0x6ed9eba1],
  (b, c, d) => [(b & c) | (b & d) | (c & d), 0x8f1bbcdc],
  (b, c, d) => [b ^ c ^ d, 0xca62c1d6],
];

/** @param {number} value @param {number} count */
function turn(value, count) {
  return (value << count) | (value >>> (32 - count));
}
