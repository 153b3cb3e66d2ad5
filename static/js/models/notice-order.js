// @ts-check
/** Owns how two notifications compare: which stands first in the server's order, and whether they say the same. */

/** @typedef {import("./notifications.js").Notice} Notice */

/** Whether one stands before the other in the server's order. @param {Notice} one @param {Notice} other */
export function isBefore(one, other) {
  if (one.seen !== other.seen) return other.seen;
  return one.sentAt > other.sentAt || (one.sentAt.getTime() === other.sentAt.getTime() && Number(one.id) > Number(other.id));
}

/** Whether two say the same. @param {Notice} one @param {Notice} other */
export function isSame(one, other) {
  return one.message === other.message && one.title === other.title && one.level === other.level && one.link === other.link;
}
