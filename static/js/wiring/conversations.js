// @ts-check
/** Owns where the conversations meet the page: the list, the open one, and what a screen reader is told. */
import {language, say} from "../language.js";
import {profiles} from "../models/profiles.js";
import {on, onceForAll} from "../on.js";

/** @typedef {import("./elements.js").Elements} Elements */
/** @typedef {import("./models.js").Models} Models */

/** @param {Models} models @param {Elements} elements */
export function wireConversations({attention, conversations, settings}, elements) {
  const {chat, list, header, messages, announcer} = elements;
  const drawList = onceForAll(() => {
    list.show(conversations.list, conversations.opened, conversations.isEmpty);
    header.draw();
  });
  const drawMessages = onceForAll(() => messages.draw());
  on(conversations, "list", drawList);
  on(settings, "change", drawList);
  language.addEventListener("change", drawList);
  on(conversations, "open", ({conversation, asked}) => {
    chat.classList.toggle("has-conversation", Boolean(conversation));
    elements.noConversation.hidden = Boolean(conversation);
    elements.conversation.hidden = !conversation;
    if (!conversation) return;
    header.show(conversation);
    messages.show(conversation);
    if (asked) elements.composer.show(conversation.draft); // somebody may be at another place by now
    else elements.composer.edit(conversation.draft);
  });
  on(conversations, "messages", ({conversation}) => {
    if (conversation === conversations.opened) drawMessages();
  });
  on(conversations, "heard", ({conversation, message}) => {
    announcer.textContent = say("conversation.heard", {name: profiles.nameOf(conversation.withUserId), text: message.text});
  });
  const showWatched = () => conversations.setWatched(!attention.isAway);
  on(attention, "change", showWatched);
  showWatched(); // opened in the background, or restored there, it never changes to hidden
}
