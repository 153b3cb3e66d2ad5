// @ts-check
/** Owns what keys do wherever somebody is on the page, and the dialog that lists them. Leaves those of one element to it. */
import {part} from "../elements/parts.js";

/** @typedef {import("./elements.js").Elements} Elements */
/** @typedef {import("./models.js").Models} Models */

/** What the keys with our letters write on a keyboard of Latin letters. @type {Record<string, string | undefined>} */
const LETTERS = {KeyK: "k", KeyJ: "j", Slash: "/"};

/** Not in the bundle: it is for who learns. The server has a button for it where it tells of frames. */
const INSPECTOR = new URL("static/js/learn/inspector.js", document.baseURI).href;

/** @param {Models} models @param {Elements} elements */
export function wireKeys(models, elements) {
  const {keysButton, keysDialog} = elements;
  const wire = /** @type {HTMLElement | null} */ (document.querySelector("#wire"));
  wire?.addEventListener("click", async () => (await import(INSPECTOR)).inspectSocket(models.socket));
  const showKeys = () => keysDialog.showModal();
  keysButton.addEventListener("click", showKeys);
  part(keysDialog, "button", HTMLButtonElement).addEventListener("click", () => keysDialog.close());
  window.addEventListener("keydown", (event) => {
    const {key, code, ctrlKey, metaKey, altKey} = event;
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open], :popover-open")) return;
    const letter = /^[\x20-\x7e]$/.test(key) ? key.toLowerCase() : LETTERS[code]; // on a Korean keyboard K is ㅏ
    const command = (ctrlKey || metaKey) && !altKey ? letter : undefined;
    const isPlain = !ctrlKey && !metaKey && !altKey;
    const step = altKey && !ctrlKey && !metaKey ? {ArrowUp: -1, ArrowDown: 1}[key] : undefined;
    if (key === "F2") wire?.click();
    else if (command === "k") toSearch(models, elements);
    else if (command === "j") toUnread(models, elements);
    else if (step) toNeighbour(models, step);
    else if (isPlain && key === "Escape" && !elements.conversation.hidden) elements.composer.focus();
    else if (command === "/" || (isPlain && key === "?" && !isTyping(event.target))) showKeys();
    else return;
    event.preventDefault();
  });
}

/** @param {Models} models @param {Elements} elements */
function toSearch({conversations}, {searchBox}) {
  if (!searchBox.offsetParent) { // a phone shows the list or the conversation
    conversations.open();
    location.hash = "";
  }
  part(searchBox, "input", HTMLInputElement).select();
}

/** To the first new message, here or in the next conversation that has one. @param {Models} models @param {Elements} elements */
function toUnread({conversations}, {messages}) {
  const {opened, list} = conversations;
  const next = list.find(({unread}) => unread > 0);
  if (opened?.newFrom) messages.scrollToNew();
  else if (next) go(next);
}

/** @param {Models} models @param {number} step */
function toNeighbour({conversations: {opened, list}}, step) {
  const index = opened ? list.indexOf(opened) + step : step > 0 ? 0 : list.length - 1;
  if (list[index]) go(list[index]);
}

/** @param {import("../models/conversation.js").Conversation} conversation */
function go({withUserId}) {
  location.hash = encodeURIComponent(withUserId);
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && (target.matches("input, textarea") || target.isContentEditable);
}
