// @ts-check
/**
 * Owns where the address bar meets the page: it says which conversation is open, so that back and forward work;
 * `?with=bob` is a link to one. Leaves opening it to the conversations.
 */
import {on} from "../on.js";

/** @typedef {import("../models/conversation.js").Conversation} Conversation */

/** @param {import("./models.js").Models} models @param {import("./elements.js").Elements} elements */
export function wireAddress({names, conversations, history}, {nameField, searchBox, messages}) {
  const isOpened = (/** @type {string} */ name) => names.keyOf(name) === names.keyOf(conversations.opened?.withUserId ?? "");
  const openFromAddress = () => {
    const name = nameInAddress();
    if (!name || !isOpened(name)) conversations.open(name);
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
  const asked = new URLSearchParams(location.search);
  const linked = asked.get("with");
  asked.delete("with"); // `projector` and `lang` stay
  if (linked) window.history.replaceState(null, "", `${location.pathname}${asked.size ? `?${asked}` : ""}#${encodeURIComponent(linked)}`);
  window.addEventListener("hashchange", openFromAddress);
  openFromAddress();
}

/** @returns {string | undefined} undefined: it names nobody */
function nameInAddress() {
  try {
    return decodeURIComponent(location.hash.slice(1)).trim() || undefined;
  } catch {
    return undefined; // an address typed by hand need not be well-formed
  }
}
