// @ts-check
/** Owns the keyboard in the list of messages: going through them by the arrows, and copying. Leaves drawing to message-list.js. */

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

/** Copying with nothing selected copies the message that has the focus. @param {ClipboardEvent} event @param {Map<Message | string, HTMLElement>} rows */
export function copyMessages(event, rows) {
  const row = document.activeElement?.closest(".message");
  const isSelected = !(document.getSelection()?.isCollapsed ?? true);
  const message = [...rows].find(([, one]) => one === row)?.[0];
  if (isSelected || typeof message !== "object") return;
  event.clipboardData?.setData("text/plain", message.text);
  event.preventDefault();
}
