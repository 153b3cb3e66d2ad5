// @ts-check
/** Owns what can be told of a message's text: whether anything can be seen in it, how long it is, whether it is but emoji. */

/** Spaces, controls, marks without a letter, and letters that show nothing. */
const NOTHING_SEEN = /^[\s\p{C}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]*$/u;
/** A letter that is shown as a picture by itself, or because the letter behind it says so. */
const EMOJI = /^\p{Emoji}(?:(?<=\p{Emoji_Presentation})|\ufe0f|\p{Emoji_Modifier})/u;
/** So long three of them are at most: one of a family has 11. */
const EMOJI_LENGTH = 48;
const LETTERS = new Intl.Segmenter();
/** As long as the longest that a sent one has. */
const CLIENT_ID = "0".repeat(36);
const REF = "0".repeat(12);

/** @param {string} text */
export function isBlank(text) {
  return NOTHING_SEEN.test(text);
}

/** Whether it is one, two or three emoji and nothing else. @param {string} text */
export function isEmojiAlone(text) {
  if (text.length > EMOJI_LENGTH) return false;
  if (!EMOJI.test(text.trim())) return false; // most are not, and segmenting takes long
  const letters = Array.from(LETTERS.segment(text.trim()), ({segment}) => segment);
  return letters.length > 0 && letters.length <= 3 && letters.every((letter) => EMOJI.test(letter));
}

/** How long the event is that carries this, as the server counts: in bytes of UTF-8, with all that stands around the text. @param {string} toUserId @param {string} message */
export function eventBytes(toUserId, message) {
  return new TextEncoder().encode(JSON.stringify({toUserId, message, clientId: CLIENT_ID, type: "chat", ref: REF})).length;
}
