// @ts-check
/**
 * Owns which language the page speaks, and says things in it: sentences, times, days.
 * Leaves the sentences to texts.js; whoever wrote one on the page writes it anew on `change`.
 */
import {texts} from "./texts.js";

/** @typedef {"en" | "ko"} LanguageCode */
/** @typedef {import("./texts.js").TextKey} TextKey */

const STORAGE_KEY = "chat.language";
const DAY_MS = 24 * 60 * 60 * 1000;

class Language extends EventTarget {
  /** @type {LanguageCode} */
  code = read(localStorage.getItem(STORAGE_KEY)) ?? read(navigator.language) ?? "en";

  /** @param {LanguageCode} code */
  choose(code) {
    localStorage.setItem(STORAGE_KEY, code);
    this.code = code;
    this.dispatchEvent(new Event("change"));
  }

  /** For Intl: the person's own variety (en-GB) if it is one of the language chosen. */
  get locale() {
    return read(navigator.language) === this.code ? navigator.language : this.code;
  }
}

/** @param {string | null} tag @returns {LanguageCode | undefined} */
function read(tag) {
  return tag?.startsWith("ko") ? "ko" : tag?.startsWith("en") ? "en" : undefined;
}

export const language = new Language();

/** @param {TextKey} key @param {Record<string, string | number>} [values] */
export function say(key, values = {}) {
  return texts[key][language.code].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** What to say about `family.code`, or `family.other` if nothing is written for it. @param {"error" | "ended"} family @param {string | number} code */
export function sayOf(family, code) {
  const key = `${family}.${code}`;
  return say(Object.hasOwn(texts, key) ? /** @type {TextKey} */ (key) : `${family}.other`);
}

/** Fills in the fixed texts below `root`: data-text is content, data-label is aria-label, data-hint is placeholder. @param {ParentNode} root */
export function translate(root) {
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-text], [data-label], [data-hint]"))) {
    const {text, label, hint} = /** @type {Record<string, TextKey | undefined>} */ (element.dataset);
    if (text) element.textContent = say(text);
    if (label) element.setAttribute("aria-label", say(label));
    if (hint) element.setAttribute("placeholder", say(hint));
  }
}

/** @param {Date} date */
export function timeOfDay(date) {
  return date.toLocaleTimeString(language.locale, {hour: "numeric", minute: "2-digit"});
}

/** When something was: the time of today, otherwise the day too. @param {Date} date */
export function momentOf(date) {
  if (isSameDay(date, new Date())) return timeOfDay(date);
  return date.toLocaleString(language.locale, {dateStyle: "medium", timeStyle: "short"});
}

/** When something was, in few letters: the time of today, otherwise the day. @param {Date} date */
export function momentInList(date) {
  if (isSameDay(date, new Date())) return timeOfDay(date);
  if (isSameDay(date, new Date(Date.now() - DAY_MS))) return say("day.yesterday");
  return date.toLocaleDateString(language.locale, {dateStyle: "short"});
}

/** @param {Date} date */
export function nameOfDay(date) {
  if (isSameDay(date, new Date())) return say("day.today");
  if (isSameDay(date, new Date(Date.now() - DAY_MS))) return say("day.yesterday");
  return date.toLocaleDateString(language.locale, {weekday: "long", year: "numeric", month: "long", day: "numeric"});
}

/** @param {Date} one @param {Date} other */
export function isSameDay(one, other) {
  return one.toDateString() === other.toDateString();
}
