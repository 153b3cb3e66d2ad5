// @ts-check
/**
 * Owns which language the page speaks, and says things in it: sentences, times, days.
 * Leaves the sentences to texts.js; whoever wrote one on the page writes it anew on `change`.
 */
import {allTabs} from "./browser-storage.js";
import {isOfLastDays, isSameDay, isYesterday} from "./models/calendar.js";
import {texts} from "./texts.js";

/** @typedef {"en" | "ko"} LanguageCode */
/** @typedef {import("./texts.js").TextKey} TextKey */
/** @typedef {import("./chat-socket.js").Params} Params */

const STORAGE_KEY = "chat.language";
/** Codes that say little by themselves: without a rule, the sentence of a site's own handler tells more. */
const NEEDS_RULE = ["invalid_field", "forbidden"];

class Language extends EventTarget {
  /** @type {LanguageCode} */
  code = read(allTabs.getItem(STORAGE_KEY)) ?? read(new URLSearchParams(location.search).get("lang")) ?? read(navigator.language) ?? "en";

  /** @param {LanguageCode} code */
  choose(code) {
    allTabs.setItem(STORAGE_KEY, code);
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
  return texts[key][language.code].replace(/\{(\w+)\}/g, (_, name) => isolated(String(values[name] ?? "")));
}

/** What is written from right to left, or says so, turns nothing of the sentence around it. @param {string} value */
function isolated(value) {
  const plain = value.replace(/[\u202a-\u202e\u2066-\u2069]/g, ""); // they could end the isolation
  return plain !== value || /\p{Script=Hebrew}|\p{Script=Arabic}|[\u0700-\u08ff]/u.test(value) ? `\u2068${plain}\u2069` : value;
}

/** What to say about `family.code`, or `family.other` if nothing is written for it. @param {"error" | "ended"} family @param {string | number} code */
export function sayOf(family, code) {
  const key = `${family}.${code}`;
  return say(Object.hasOwn(texts, key) ? /** @type {TextKey} */ (key) : `${family}.other`);
}

/**
 * What more there is to say of an error than its code does: its rule, or the server's own English sentence where this
 * page knows neither. @param {{code: string, message: string, field?: string | null, rule?: string, params?: Params}} error
 */
export function sayDetail({code, message, field, rule, params = {}}) {
  if (rule === "user") return ""; // `unknown_user` says the same
  if (!Object.hasOwn(texts, `rule.${rule}`)) {
    const saysAll = Object.hasOwn(texts, `error.${code}`) && !NEEDS_RULE.includes(code);
    return saysAll || message === code ? "" : message;
  }
  const values = Object.entries(params).map(([name, value]) => [name, inWords(value)]);
  const sentence = say(/** @type {TextKey} */ (`rule.${rule}`), Object.fromEntries(values));
  const name = `field.${field}`;
  return Object.hasOwn(texts, name) ? `${say(/** @type {TextKey} */ (name))}: ${sentence}` : sentence;
}

/** @param {string | number | string[]} value */
function inWords(value) {
  return Array.isArray(value) ? value.join(", ") : value.toLocaleString(language.locale);
}

/** All there is to say of an error. @param {Parameters<typeof sayDetail>[0]} error */
export function sayWhole(error) {
  const detail = sayDetail(error);
  return detail && NEEDS_RULE.includes(error.code) ? detail : `${sayOf("error", error.code)} ${detail}`.trim();
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

/** Making one takes longer than writing a hundred times with it. @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {Date} date @param {Intl.DateTimeFormatOptions} options */
function format(date, options) {
  const key = language.locale + JSON.stringify(options);
  const made = formats.get(key) ?? new Intl.DateTimeFormat(language.locale, options);
  formats.set(key, made);
  return made.format(date);
}

/** @param {Date} date */
export function timeOfDay(date) {
  return format(date, {hour: "numeric", minute: "2-digit"});
}

/** When something was: the time of today, otherwise the day too. @param {Date} date */
export function momentOf(date) {
  if (isSameDay(date, new Date())) return timeOfDay(date);
  return format(date, {dateStyle: "medium", timeStyle: "short"});
}

/** When something was, in few letters: the time of today, the weekday of the last days, otherwise the date. @param {Date} date */
export function momentInList(date) {
  if (isSameDay(date, new Date())) return timeOfDay(date);
  if (isYesterday(date)) return say("day.yesterday");
  return format(date, isOfLastDays(date) ? {weekday: "long"} : {dateStyle: "short"});
}

/** @param {Date} date */
export function nameOfDay(date) {
  if (isSameDay(date, new Date())) return say("day.today");
  if (isYesterday(date)) return say("day.yesterday");
  return format(date, {weekday: "long", year: "numeric", month: "long", day: "numeric"});
}
