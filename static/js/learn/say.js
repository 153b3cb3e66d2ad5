// @ts-check
/** Owns the saying of the lesson's texts, in the language that the chat's pages were told. Leaves the texts to texts.js. */
import {language} from "../language.js";
import {texts} from "./texts.js";

/** @typedef {import("./texts.js").TextKey} TextKey */

const KEPT_LINES = 100; // of a log

/** @param {TextKey} key @param {Record<string, string | number>} [values] */
export function say(key, values = {}) {
  return texts[key][language.code].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** Writes it; what stands in backticks as code. @param {Element} element @param {TextKey} key @param {Record<string, string | number>} [values] */
export function write(element, key, values) {
  const parts = say(key, values).split("`");
  element.replaceChildren(...parts.map((part, index) => (index % 2 ? make("code", part) : part)));
}

/** @param {string} tag @param {string | Node} [content] @param {string} [className] */
export function make(tag, content = "", className = "") {
  const element = document.createElement(tag);
  element.append(content);
  if (className) element.className = className;
  return element;
}

/** The element, which is there. @template {Element} E @param {string} selector @param {new () => E} kind @param {ParentNode} [root] @returns {E} */
export function find(selector, kind, root = document) {
  const found = root.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`no ${selector}`);
  return found;
}

/** Adds a line to a log, the newest last, and shows it. @param {HTMLElement} log @param {TextKey | string} key a text's, or what is said itself @param {Record<string, string | number>} [values] */
export function tell(log, key, values) {
  const line = make("li");
  if (Object.hasOwn(texts, key)) write(line, /** @type {TextKey} */ (key), values);
  else line.append(make("code", key));
  log.append(line);
  if (log.children.length > KEPT_LINES) log.firstElementChild?.remove();
  const scroller = log.closest(".scroll");
  if (scroller) scroller.scrollTop = scroller.scrollHeight;
  return line;
}

/** Draws now, and again whenever the language is another one. @param {() => void} draw */
export function inEachLanguage(draw) {
  language.addEventListener("change", draw);
  draw();
}
