// @ts-check
/**
 * Owns where in a text there are addresses to go to. Leaves making links of them to the elements.
 */

/** @typedef {{text: string, href?: string}} Piece */

/** No other kind: `javascript:` runs as this page, `file:` and others lead out of the web. */
const ADDRESS = /\b(?:https?:\/\/|mailto:)[^\s<>"\x60]+/giu;
const PROTOCOLS = ["http:", "https:", "mailto:"];
/** What ends a sentence or a bracket rather than an address. */
const TRAILING = /[.,;:!?…'"’”»。、，！？·]$/u;
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

/** @param {string} found */
function trimmed(found) {
  let address = found.replace(PARTICLE, "$1");
  for (;;) {
    const last = address.at(-1) ?? "";
    const opening = Object.hasOwn(BRACKETS, last) ? BRACKETS[/** @type {keyof typeof BRACKETS} */ (last)] : "";
    const isUnopened = opening && count(address, opening) < count(address, last);
    if (!isUnopened && !TRAILING.test(address)) return address;
    address = address.slice(0, -1);
  }
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
