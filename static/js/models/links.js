// @ts-check
/**
 * Owns where in a text there are addresses to go to. Leaves making links of them to the elements.
 */

/** @typedef {{text: string, href?: string}} Piece */

/** No other kind: `javascript:` runs as this page, `file:` and others lead out of the web. */
const ADDRESS = /\b(?:https?:\/\/|mailto:)[^\s<>"\x60]+/giu;
const PROTOCOLS = ["http:", "https:", "mailto:"];
/** What ends a sentence or a bracket rather than an address. */
const TRAILING = ".,;:!?…'\"’”»。、，！？·";
/** @type {Record<string, string>} */
const BRACKETS = {")": "(", "]": "[", "}": "{"};
/** Korean puts particles right behind: `https://example.com에서`. In a path such letters are its own. */
const PARTICLE = /^(https?:\/\/[^/?#]*[a-z0-9])\p{Script=Hangul}+$/iu;

/** Cuts a text into pieces, of which some are addresses; joined, they are the text again. @param {string} text @returns {Piece[]} */
export function piecesOf(text) {
  /** @type {Piece[]} */
  const pieces = [];
  let end = 0;
  for (const {0: found, index} of text.matchAll(ADDRESS)) {
    const address = trimmed(found);
    const href = hrefOf(address);
    if (!href) continue;
    if (index > end) pieces.push({text: text.slice(end, index)});
    pieces.push({text: address, href});
    end = index + address.length;
  }
  if (end < text.length) pieces.push({text: text.slice(end)});
  return pieces;
}

/** In one go over the address, whatever somebody piled up at its end. @param {string} found */
function trimmed(found) {
  const address = found.replace(PARTICLE, "$1");
  /** @type {Map<string, number>} closing bracket -> how many more of it there are than of its opening one */
  const unopened = new Map(Object.entries(BRACKETS).map(([closing, opening]) => [closing, count(address, closing) - count(address, opening)]));
  let end = address.length;
  for (; end > 0; end -= 1) {
    const last = address[end - 1];
    const more = unopened.get(last) ?? 0;
    if (more <= 0 && !TRAILING.includes(last)) break;
    if (more > 0) unopened.set(last, more - 1);
  }
  return address.slice(0, end);
}

/** @param {string} address @returns {string | undefined} */
function hrefOf(address) {
  try {
    const {protocol, href, host, pathname} = new URL(address);
    const leadsSomewhere = protocol === "mailto:" ? pathname.includes("@") : Boolean(host);
    return PROTOCOLS.includes(protocol) && leadsSomewhere ? href : undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} text @param {string} sign */
function count(text, sign) {
  return text.split(sign).length - 1;
}
