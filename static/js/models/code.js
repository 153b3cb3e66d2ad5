// @ts-check
/** Owns where in a text there is code: between backticks, or between three of them over several lines. Leaves showing it to the elements. */

/** @typedef {{text: string, code?: "inline" | "block"}} Part */

/** A backtick within a word is an apostrophe, and begins none. */
const CODE = /```(?!`)([\s\S]+?)```\n?|(?<![`\w])(`{1,2})(?!`)([^\n]*?[^`\n])\2(?!`)/g;
/** What stands behind the opening three, alone on its line, names the language. */
const LANGUAGE = /^[\w+#.-]{0,30}\n/;

/** Cuts a text into parts, of which some are code, without their backticks. @param {string} text @returns {Part[]} */
export function partsOf(text) {
  /** @type {Part[]} */
  const parts = [];
  let end = 0;
  for (const {0: found, 1: block, 3: inline, index} of text.matchAll(CODE)) {
    const code = block === undefined ? inline : block.replace(LANGUAGE, "");
    if (!code.trim()) continue;
    if (index > end) parts.push({text: text.slice(end, index)});
    // One line end: who copies what is selected gets the lines apart.
    parts.push(block === undefined ? {text: code, code: "inline"} : {text: code.replace(/\n?$/, "\n"), code: "block"});
    end = index + found.length;
  }
  if (end < text.length) parts.push({text: text.slice(end)});
  return parts;
}
