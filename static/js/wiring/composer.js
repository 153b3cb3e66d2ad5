// @ts-check
/** Owns where writing a message meets the page: from the field to the outbox, with a typing hint on the way. */
import {allTabs} from "../browser-storage.js";
import {eventBytes} from "../models/message-text.js";
import {on} from "../on.js";

/** @typedef {import("../models/conversation.js").Conversation} Conversation */

const ENTER_KEY = "chat.enterSends";

/** @param {import("./models.js").Models} models @param {import("./elements.js").Elements} elements */
export function wireComposer({socket, conversations, outbox, typing}, {composer, messages, enterButton}) {
  let frameBytes = Infinity;
  socket.on("ready", ({limits}) => (frameBytes = limits.frameBytes));
  composer.roomFor = (text) => frameBytes - eventBytes(conversations.opened?.withUserId ?? "", text);
  wireEnter(composer, enterButton);
  on(messages, "edit-message", ({message}) => {
    outbox.discard(message.clientId);
    composer.insert(message.text);
  });
  on(composer, "send-message", ({text}) => {
    const conversation = /** @type {Conversation} */ (conversations.opened);
    conversation.draft = "";
    conversation.newFrom = 0;
    typing.reset(conversation.withUserId);
    outbox.add(conversation.withUserId, text);
    messages.scrollToNewest();
  });
  on(composer, "draft", ({text}) => {
    const conversation = /** @type {Conversation} */ (conversations.opened);
    conversation.draft = text;
    const {withUserId} = conversation;
    if (!text.trim()) typing.reset(withUserId);
    else if (!conversation.isUnasked) typing.note(withUserId);
  });
}

/** Enter sends, but on a touch screen, unless somebody wants it otherwise. @param {import("./elements.js").Elements["composer"]} composer @param {HTMLButtonElement} button */
function wireEnter(composer, button) {
  const sends = () => (allTabs.getItem(ENTER_KEY) ?? String(!matchMedia("(pointer: coarse)").matches)) === "true";
  const show = () => {
    composer.enterSends = sends();
    button.setAttribute("aria-checked", String(!sends()));
  };
  button.addEventListener("click", () => {
    allTabs.setItem(ENTER_KEY, String(!sends()));
    show();
  });
  show();
}
