// @ts-check
/** Owns the part of a found message that is shown: what was looked for, and what stands around it, by whole letters. */

const LEAD = 24; // letters before what was found
const TAIL = 120; // letters from there on
const LONGEST = 12; // characters of one letter, as far as is cared: an emoji of a family has 11

/**
 * Cuts `message` around the first place where it holds `wanted`, upper and lower case alike. A letter is what a reader
 * takes for one (UAX #29): an emoji of several parts, or one that is written with its parts apart, is never cut.
 * @param {string} message @param {string} wanted
 * @returns {{lead: string, found: string, tail: string}} `found` is empty where the server found it in another way
 */
export function excerpt(message, wanted) {
  const text = message.normalize("NFC");
  const [at, end] = placeOf(text, wanted.normalize("NFC"));
  // A window alone: segmenting 60,000 characters takes seconds.
  const from = Math.max(0, at - (LEAD + 1) * LONGEST);
  const letters = Array.from(new Intl.Segmenter().segment(text.slice(from, end + TAIL * LONGEST)));
  const lead = letters.filter(({index, segment}) => from + index + segment.length <= at).slice(-LEAD);
  const first = lead.length ? letters.indexOf(lead[0]) : 0;
  const found = letters.filter(({index, segment}) => from + index + segment.length > at && from + index < end);
  const tail = letters.filter(({index}) => from + index >= end).slice(0, TAIL - found.length);
  return {
    lead: (from + (letters[first]?.index ?? 0) > 0 ? "…" : "") + joined(lead),
    found: joined(found),
    tail: joined(tail),
  };
}

/** @param {{segment: string}[]} letters */
function joined(letters) {
  return letters.map(({segment}) => segment).join("");
}

/** Where `text` holds `wanted`: from, to; both 0 where it does not. @param {string} text @param {string} wanted */
function placeOf(text, wanted) {
  const lowered = text.toLowerCase();
  const alike = wanted.toLowerCase();
  const at = alike ? lowered.indexOf(alike) : -1;
  if (at < 0) return [0, 0];
  if (lowered.length === text.length) return [at, at + alike.length];
  // Some letters get longer when they are lowered: go along, sign by sign.
  let [place, from] = [0, 0];
  for (let behind = 0; behind < text.length; ) {
    const sign = String.fromCodePoint(/** @type {number} */ (text.codePointAt(behind)));
    if (place <= at) from = behind;
    place += sign.toLowerCase().length;
    behind += sign.length;
    if (place >= at + alike.length) return [from, behind];
  }
  return [from, text.length];
}
