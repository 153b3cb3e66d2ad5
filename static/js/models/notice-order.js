// @ts-check
/** Owns what a notification is once it has come, and how two compare: which stands first in the server's order, and whether they say the same. */

/** @typedef {import("./notifications.js").Notice} Notice */

/** @param {Notice} one @param {Notice} other */
export function newestFirst(one, other) {
  return other.sentAt.getTime() - one.sentAt.getTime() || Number(other.id) - Number(one.id);
}

/** Those that should stand on the first page and do not: they were dismissed elsewhere. @param {Notice[]} page @param {boolean} goesOn @param {Notice[]} held @returns {number[]} */
export function missingIn(page, goesOn, held) {
  const ids = new Set(page.map(({id}) => id));
  const last = page.at(-1);
  return held.filter((notice) => !ids.has(notice.id) && (!goesOn || !last || isBefore(notice, last))).flatMap(({id}) => (typeof id === "number" ? id : []));
}

/** Whether one stands before the other in the server's order. @param {Notice} one @param {Notice} other */
function isBefore(one, other) {
  if (one.seen !== other.seen) return other.seen;
  return one.sentAt > other.sentAt || (one.sentAt.getTime() === other.sentAt.getTime() && Number(one.id) > Number(other.id));
}

/** Whether two say the same. @param {Notice} one @param {Notice} other */
export function isSame(one, other) {
  return one.message === other.message && one.title === other.title && one.level === other.level && one.link === other.link;
}

/** How many the server gave no id. */
let made = 0;

/** @param {import("../chat-socket.js").Notification} notification @returns {Notice} */
export function parsed({notificationId, id = notificationId, message, title = "", level = "info", link = "", timestamp, expires, expiresAt: until = expires, seen = false}) {
  const sentAt = timestamp ? new Date(timestamp) : new Date();
  const expiresAt = until ? new Date(until) : undefined;
  return {id: id ?? `made.${++made}`, message, title, level, link, sentAt, expiresAt, seen};
}

/** What became of notifications, page by page. @param {import("./notifications.js").Options["fetchChanges"]} fetch @param {number} after */
export async function* changesAfter(fetch, after) {
  for (let more = true; more && fetch; ) {
    const page = await fetch({after});
    yield* page.changes;
    after = page.changes.at(-1)?.change ?? page.change;
    more = page.more;
  }
}
