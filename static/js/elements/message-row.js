// @ts-check
/**
 * Owns one message on the page: its text with links and code, its time, its state in ticks and words. Leaves where it
 * stands to message-list.js, which hears `try-again`, `edit-message` and `discard`, and what else can be done with it to
 * message-menu.js.
 */
import {language, nameOfDay, say, sayDetail, sayOf, timeOfDay} from "../language.js";
import {isSameDay} from "../models/calendar.js";
import {partsOf} from "../models/code.js";
import {piecesOf} from "../models/links.js";
import {isEmojiAlone} from "../models/message-text.js";
import {copy, drawName, part} from "./parts.js";

/** @typedef {import("../models/conversation.js").Message} Message */
/** @typedef {import("../models/conversation.js").Conversation} Conversation */

/** Messages of one side closer together than this stand as one group. */
const GROUP_MS = 3 * 60 * 1000;
const ARRIVE_MS = 180;
/** A message refused so is refused each time. */
const HOPELESS = ["too_big", "too_large", "invalid_field", "missing_field"];

/** @param {Message} message @param {string} withUserId who wrote it, where I did not */
export function newRow(message, withUserId) {
  const row = copy("message-row");
  row.classList.toggle("mine", message.mine);
  part(row, ".text", HTMLElement).append(...nodesOf(message.text || say("message.erased")));
  part(row, ".bubble", HTMLElement).classList.toggle("is-emoji", isEmojiAlone(message.text));
  part(row, ".menu-button", HTMLElement).hidden = !message.text;
  part(row, ".menu-button", HTMLElement).setAttribute("aria-label", say("message.actions"));
  const by = part(row, ".by", HTMLElement);
  if (message.mine) by.textContent = say("message.mine");
  else drawName(by, withUserId);
  if (message.waiting) row.append(newTrouble(message));
  return row;
}

/** Where a message that is not stored yet says why. @param {Message} message */
function newTrouble(message) {
  const trouble = copy("message-trouble");
  for (const [type, text] of /** @type {const} */ ([["try-again", "message.retry"], ["edit-message", "message.edit"], ["discard", "message.discard"]])) {
    const button = part(trouble, `.${type}`, HTMLButtonElement);
    button.textContent = say(text);
    button.addEventListener("click", () => button.dispatchEvent(new CustomEvent(type, {detail: {message}, bubbles: true})));
  }
  return trouble;
}

/**
 * Writes what may change of a message; where nothing did, the row is not touched.
 * @param {HTMLElement} row @param {Conversation} conversation @param {Message} message @param {boolean} isLastRead the word stands at one only
 */
export function drawState(row, conversation, message, isLastRead) {
  const state = conversation.stateOf(message);
  const {delay, problem} = message.waiting ?? {};
  const drawn = [state, message.seq, message.sentAt.getTime(), delay, problem?.code, isLastRead, language.code].join();
  if (row.dataset.drawn === drawn) return;
  Object.assign(row.dataset, {drawn, state, seq: message.seq});
  const time = part(row, "time", HTMLTimeElement);
  time.textContent = timeOfDay(message.sentAt);
  time.dateTime = message.sentAt.toISOString();
  const inWords = state === "theirs" || problem ? "" : say(`message.${state}`);
  part(row, ".state", HTMLElement).title = inWords;
  part(row, ".label", HTMLElement).textContent = inWords;
  part(row, ".label", HTMLElement).classList.toggle("visually-hidden", !isLastRead);
  const trouble = row.querySelector(".trouble");
  if (trouble instanceof HTMLElement) drawTrouble(trouble, message);
}

/** @param {HTMLElement} trouble @param {Message} message */
function drawTrouble(trouble, {waiting}) {
  const {delay, problem} = waiting ?? {};
  trouble.hidden = !problem && !delay;
  part(trouble, ".reason", HTMLElement).textContent = problem ? say("message.failed", {reason: sayOf("error", problem.code)}) : delay ? say("message.delayed", {reason: sayOf("error", delay)}) : "";
  for (const type of ["try-again", "edit-message", "discard"]) part(trouble, `.${type}`, HTMLElement).hidden = !problem || (type === "try-again" && HOPELESS.includes(problem.code));
  part(trouble, ".detail", HTMLElement).textContent = problem ? sayDetail({...problem, message: problem.detail}) : "";
}

/** @param {Message} one @param {Message} next */
export function isOneGroup(one, next) {
  return one.mine === next.mine && Math.abs(next.sentAt.getTime() - one.sentAt.getTime()) < GROUP_MS && isSameDay(one.sentAt, next.sentAt);
}

/** Shows that it came just now. Its row stands still: what is measured of it holds. @param {HTMLElement} row */
export function moveIn(row) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  part(row, ".bubble", HTMLElement).animate([{opacity: 0, translate: "0 12px"}, {}], {duration: ARRIVE_MS, easing: "ease-out"});
}

/** A line between two days. @param {Date} date */
export function newDay(date) {
  const row = copy("day-row");
  part(row, "span", HTMLElement).textContent = nameOfDay(date);
  return row;
}

/** The line above what is new. */
export function newDivider() {
  const row = copy("divider-row");
  part(row, "span", HTMLElement).textContent = say("conversation.newMessages");
  return row;
}

/** @param {string} text @returns {(Node | string)[]} */
function nodesOf(text) {
  return partsOf(text).flatMap((part) => (part.code ? [newCode(part.text, part.code)] : linked(part.text)));
}

/** @param {string} text @param {string} kind */
function newCode(text, kind) {
  const code = document.createElement("code");
  return Object.assign(code, {className: kind, dir: "ltr", textContent: text});
}

/** @param {string} text @returns {(Node | string)[]} */
function linked(text) {
  return piecesOf(text).map((piece) => {
    if (!piece.href) return piece.text;
    const link = document.createElement("a");
    return Object.assign(link, {href: piece.href, textContent: piece.text, target: "_blank", rel: "noopener noreferrer"});
  });
}
