// @ts-check
/**
 * Owns the rule of what a person's name may be, as chat/names.py has it for `userId`, so that a slip is told
 * at once; and when two names are one person's. Leaves it to the server to judge: this is a courtesy, not a guard.
 * What a new name may look like (chat/protocol/lookalikes.py) the server alone says, as it knows the others.
 */

/** Agrees with `userIdChars` of the server's limits; counted in characters, not in UTF-16 units. */
const NAME_CHARACTERS = 64;
/**
 * Controls, line ends, marks that turn the direction of text, what cannot be seen though it is a letter, and halves
 * of a character that UTF-8 cannot carry.
 */
const UNSEEN =
  /[\p{Cc}\p{Cs}\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}\u{13441}\u{13442}\u{16fe4}]/u;
const ALLOWED = /^[\p{L}\p{Mn}\p{Mc}\p{Nd}._@-]+$/u;
const HAS_LETTER_OR_DIGIT = /[\p{L}\p{Nd}]/u;
/** A combining mark on no letter, or more than four on one. */
const TOWER = /(?:^|[^\p{L}\p{M}])\p{M}|\p{M}{5}/u;
const LATIN = /\p{Script=Latin}/u;
const ALIKE = /[\p{Script=Cyrillic}\p{Script=Greek}]/u;

/** @typedef {"name.blank" | "name.long" | "name.sign" | "name.space" | "name.other" | "name.mixed"} NameProblem */

/**
 * @param {string} typed
 * @returns {{name: string, problem?: undefined} | {name?: undefined, problem: NameProblem}}
 */
export function readName(typed) {
  const name = typed.normalize("NFKC").trim();
  const problem = problemOf(name);
  return problem ? {problem} : {name};
}

/** Whether both names are the same person's: upper and lower case do not count. @param {string} one @param {string} other */
export function isSameName(one, other) {
  return nameKey(one) === nameKey(other);
}

/** @param {string} name @returns {NameProblem | undefined} */
function problemOf(name) {
  if (!name) return "name.blank";
  if ([...name].length > NAME_CHARACTERS) return "name.long";
  if (UNSEEN.test(name)) return "name.sign";
  if (/\s/u.test(name)) return "name.space";
  if (!ALLOWED.test(name) || !HAS_LETTER_OR_DIGIT.test(name) || TOWER.test(name)) return "name.other";
  if (LATIN.test(name) && ALIKE.test(name)) return "name.mixed";
  return undefined;
}

/** What is the same for all spellings of one person's name. @param {string} name */
export function nameKey(name) {
  return name.normalize("NFKC").toUpperCase().toLowerCase();
}
