// @ts-check
/**
 * Owns where in a text there are addresses to go to. Leaves making links of them to the elements.
 */

/** @typedef {{text: string, href?: string}} Piece */

/** No other kind: `javascript:` runs as this page, `file:` and others lead out of the web. */
const PROTOCOLS = ["http:", "https:", "mailto:"];
/** Of a host, with a port and who signs in. */
const AUTHORITY = String.raw`[\p{L}\p{N}\p{M}._~%:@\[\]-]+`;
/** Of what follows a host: Chinese, Japanese and Korean brackets and full stops end it wherever they stand. */
const REST = String.raw`[^\s<>"\x60。、，！？；：…（）「」『』【】〈〉《》〔〕［］｛｝｢｣｡､“”‘’«»]`;
const MAIL = String.raw`(?<![\w.+%-])[\w.+%-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?![\w-])`;
const ADDRESS = new RegExp(String.raw`(?:(?<![a-z0-9])https?://|(?<![\w.@/-])www\.)${AUTHORITY}(?:[/?#]${REST}*)?|(?<![a-z0-9])mailto:${REST}+|${MAIL}`, "giu");
/** What ends a sentence, or Markdown's emphasis, rather than an address. */
const TRAILING = ".,;:!?'·*_~";
/** @type {Record<string, string>} */
const BRACKETS = {")": "(", "]": "[", "}": "{"};
/** Korean and Japanese put particles right behind: `https://example.com에서`. In a path such letters are its own. */
const PARTICLE = /^((?:https?:\/\/|www\.)[^/?#]*[a-z0-9])[\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]+$/iu;

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

/** Without what stands behind it: a bracket that was opened before it, a particle, the end of a sentence. @param {string} found */
function trimmed(found) {
  const address = withoutOutside(found).replace(PARTICLE, "$1");
  let end = address.length;
  while (end > 0 && TRAILING.includes(address[end - 1])) end -= 1;
  return address.slice(0, end);
}

/** Up to the first bracket that closes what was not opened in it. @param {string} found */
function withoutOutside(found) {
  /** @type {Record<string, number>} */
  const opened = {};
  for (let index = 0; index < found.length; index += 1) {
    const opening = BRACKETS[found[index]];
    opened[opening ?? found[index]] = (opened[opening ?? found[index]] ?? 0) + (opening ? -1 : 1);
    if (opening && opened[opening] < 0) return found.slice(0, index);
  }
  return found;
}

/** @param {string} address @returns {string | undefined} */
function hrefOf(address) {
  try {
    const isBare = !/^(?:https?|mailto):/i.test(address);
    const {protocol, href, host, pathname} = new URL(!isBare ? address : address.includes("@") ? `mailto:${address}` : `https://${address}`);
    const leadsSomewhere = protocol === "mailto:" ? pathname.includes("@") : Boolean(host) && (!isBare || host.split(".").length > 2);
    return PROTOCOLS.includes(protocol) && leadsSomewhere ? href : undefined;
  } catch {
    return undefined;
  }
}
