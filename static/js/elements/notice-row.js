// @ts-check
/**
 * Owns what one notification looks like, as a banner and in the list: its level, title, message, link and close
 * button. Makes its markup itself, so that it can stand on any page. Leaves to others when it is shown.
 */

/** @typedef {import("../models/notifications.js").Notice} Notice */
/** @typedef {Pick<Notice, "message"> & Partial<Notice> & {passes?: boolean}} Shown what a row needs to know; `passes`: it hides by itself, error or not */
/**
 * @typedef {{label: string, dismiss: string, open: string, more: (count: number) => string,
 *   level: (level: string) => string}} NoticeWords
 */

/** @type {readonly string[]} */
const NOTICE_LEVELS = ["info", "success", "warning", "error"];

/** A level that this page does not know is shown as the quietest. @param {string | undefined} level */
export function noticeLevel(level) {
  return level && NOTICE_LEVELS.includes(level) ? level : "info";
}

/**
 * Fills an empty row, or one that showed something else before.
 * @param {HTMLElement} row @param {Shown} notice @param {NoticeWords} words @param {() => void} dismiss
 */
export function fillNotice(row, {message, title, level, link}, words, dismiss) {
  row.classList.add("notice");
  row.dataset.level = noticeLevel(level);
  const text = makeElement("div", "notice-text");
  text.append(makeElement("span", "notice-level", `${words.level(row.dataset.level)}: `));
  if (title) text.append(makeElement("strong", "notice-title", title), " ");
  text.append(makeElement("span", "notice-message", message));
  const address = safeAddress(link);
  if (address) {
    const anchor = /** @type {HTMLAnchorElement} */ (makeElement("a", "notice-link", words.open));
    Object.assign(anchor, {href: address, target: "_blank", rel: "noopener noreferrer"});
    text.append(" ", anchor);
  }
  const close = makeElement("button", "notice-close");
  close.setAttribute("type", "button");
  close.setAttribute("aria-label", words.dismiss);
  close.addEventListener("click", dismiss);
  row.replaceChildren(text, close);
}

/** @param {string} tag @param {string} className @param {string} [text] */
export function makeElement(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  if (className === "notice-title" || className === "notice-message") element.dir = "auto";
  return element;
}

/** A link may lead to a page, never run a script. @param {string | undefined} link */
function safeAddress(link) {
  if (!link || !URL.canParse(link, document.baseURI)) return "";
  const address = new URL(link, document.baseURI);
  return ["http:", "https:"].includes(address.protocol) ? address.href : "";
}
