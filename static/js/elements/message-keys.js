// @ts-check
/** Owns the keyboard in the list of messages: going through them by the arrows, and copying. Leaves drawing to message-list.js. */

import {part} from "./parts.js";

/** @typedef {import("../models/conversation.js").Message} Message */

/**
 * Through the messages by the arrows, once one of them has the focus or is wanted.
 * @param {KeyboardEvent} event @param {HTMLElement} list @param {() => HTMLElement | undefined} lastInSight
 */
export function moveByArrow(event, list, lastInSight) {
  const step = {ArrowUp: -1, ArrowDown: 1}[event.key];
  const rows = /** @type {HTMLElement[]} */ ([...list.querySelectorAll(".message")]);
  const index = rows.findIndex((row) => row.contains(document.activeElement));
  if (!step || event.altKey || event.ctrlKey || event.metaKey || (index < 0 && step > 0)) return;
  const next = index < 0 ? lastInSight() : rows[index + step];
  if (!next) return;
  event.preventDefault();
  next.focus({preventScroll: true});
  next.scrollIntoView({block: "nearest"});
}

/**
 * Copying what reaches over several messages copies `name, time: text` of each; with nothing selected, the message that
 * has the focus.
 * @param {ClipboardEvent} event @param {Map<Message | string, HTMLElement>} rows
 */
export function copyMessages(event, rows) {
  const selection = document.getSelection();
  const text = selection?.isCollapsed === false ? selectedText(selection.getRangeAt(0), [...rows.values()]) : focusedText(rows);
  if (text === undefined) return;
  event.clipboardData?.setData("text/plain", text);
  event.preventDefault();
}

/** @param {Map<Message | string, HTMLElement>} rows */
function focusedText(rows) {
  const row = document.activeElement?.closest(".message");
  return row ? messageOf(row, rows)?.text : undefined;
}

/** @param {Element} row @param {Map<Message | string, HTMLElement>} rows @returns {Message | undefined} */
export function messageOf(row, rows) {
  const message = [...rows].find(([, one]) => one === row)?.[0];
  return typeof message === "object" ? message : undefined;
}

/** @param {Range} range @param {HTMLElement[]} rows @returns {string | undefined} undefined: it lies in one text, which the browser copies */
function selectedText(range, rows) {
  if (range.commonAncestorContainer.parentElement?.closest(".text")) return undefined;
  const parts = rows.filter((row) => row.matches(".message") && range.intersectsNode(row)).map((row) => ({row, text: partOf(range, part(row, ".text", HTMLElement))}));
  const selected = parts.filter(({text}) => text);
  if (selected.length < 2) return selected[0]?.text;
  return selected.map(({row, text}) => `${part(row, ".by", HTMLElement).textContent}, ${part(row, "time", HTMLElement).textContent}: ${text}`).join("\n");
}

/** @param {Range} range @param {HTMLElement} element @returns {string} what of its text is selected */
function partOf(range, element) {
  if (!range.intersectsNode(element)) return "";
  const inside = document.createRange();
  inside.selectNodeContents(element);
  if (element.contains(range.startContainer)) inside.setStart(range.startContainer, range.startOffset);
  if (element.contains(range.endContainer)) inside.setEnd(range.endContainer, range.endOffset);
  return inside.toString();
}
