// @ts-check
/**
 * Owns the rule of what a person's name may be, as protocol.py has it for `userId`, so that a slip is told
 * at once. Leaves it to the server to judge: this is a courtesy, not a guard.
 */

/** Agrees with `userIdChars` of the server's limits; counted in characters, not in UTF-16 units. */
const NAME_CHARACTERS = 64;
/**
 * Controls, line ends, marks that turn the direction of text, what cannot be seen, and halves of a character
 * that UTF-8 cannot carry.
 */
const NOT_IN_A_NAME =
  /[\p{Cc}\p{Cs}\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\u3164\ufeff\uffa0\u{e0000}-\u{e007f}]/u;

/**
 * @param {string} typed
 * @returns {{name: string, problem?: undefined} | {name?: undefined, problem: "name.blank" | "name.long" | "name.sign"}}
 */
export function readName(typed) {
  const name = typed.normalize("NFC").trim();
  if (!name) return {problem: "name.blank"};
  if ([...name].length > NAME_CHARACTERS) return {problem: "name.long"};
  if (NOT_IN_A_NAME.test(name)) return {problem: "name.sign"};
  return {name};
}
