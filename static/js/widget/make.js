// @ts-check
/** Owns making an element of the widget. */

/** @param {string} tag @param {string} className @param {string} [text] */
export function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}
