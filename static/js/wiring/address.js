// @ts-check
/**
 * Owns where the address bar meets the page: it says which conversation is open, so that back and forward work;
 * `?with=bob` is a link to one. Leaves opening it to the conversations.
 */
import {isSameName, readName} from "../models/names.js";
import {on} from "../on.js";

/** @typedef {import("../models/conversation.js").Conversation} Conversation */

/** @param {import("./models.js").Models} models @param {import("./elements.js").Elements} elements */
export function wireAddress({me, conversations, history}, {nameField, searchBox, messages}) {
  const isOpened = (/** @type {string} */ name) => isSameName(name, conversations.opened?.withUserId ?? "");
  const openFromAddress = () => {
    const name = nameInAddress();
    const isOpen = name !== undefined && isOpened(name);
    if (!isOpen) conversations.open(name === undefined || isSameName(name, me) ? undefined : name);
  };
  const open = (/** @type {string} */ userId) => {
    conversations.open(userId); // at once: what is typed from here on goes into its field
    location.hash = encodeURIComponent(userId);
  };
  for (const element of [nameField, searchBox]) on(element, "converse", ({userId}) => open(userId));
  on(searchBox, "jump", async ({userId, seq}) => {
    if (!isOpened(userId)) open(userId);
    const conversation = /** @type {Conversation} */ (conversations.opened);
    await history.loadAround(conversation, seq);
    if (conversation === conversations.opened) messages.showMessage(seq);
  });
  const linked = new URLSearchParams(location.search).get("with");
  if (linked) window.history.replaceState(null, "", `${location.pathname}#${encodeURIComponent(linked)}`);
  window.addEventListener("hashchange", openFromAddress);
  openFromAddress();
}

/** @returns {string | undefined} undefined: it names nobody */
function nameInAddress() {
  try {
    return readName(decodeURIComponent(location.hash.slice(1))).name;
  } catch {
    return undefined; // an address typed by hand need not be well-formed
  }
}
