// @ts-check
/** Owns days as a calendar has them, which are 23 or 25 hours long where a clock changes. Leaves their names to language.js. */

/** @param {Date} one @param {Date} other */
export function isSameDay(one, other) {
  return one.toDateString() === other.toDateString();
}

/** Whether this was on the day before. @param {Date} date @param {Date} [now] */
export function isYesterday(date, now = new Date()) {
  return isSameDay(date, new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1));
}

/** Whether its weekday names one day only: it was less than a week ago. @param {Date} date @param {Date} [now] */
export function isOfLastDays(date, now = new Date()) {
  return date <= now && date >= new Date(now.getFullYear(), now.getMonth(), now.getDate() - 6);
}

/** How long today lasts, in ms. @param {Date} [now] */
export function msToMidnight(now = new Date()) {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1).getTime() - now.getTime();
}
