// @ts-check
/** Owns where writing and copying a message meet the page: from the field to the outbox, with a typing hint on the way. */
import {toClipboard} from "../elements/clipboard.js";
import {say} from "../language.js";
import {on} from "../on.js";

/** @typedef {import("../models/conversation.js").Conversation} Conversation */

/** @param {import("./models.js").Models} models @param {import("./elements.js").Elements} elements */
export function wireComposer({socket, conversations, outbox, typing}, {composer, messages, announcer}) {
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
    if (text.trim() && typing.isDue(withUserId)) socket.send("typing", {toUserId: withUserId});
  });
  on(messages, "copy-message", async ({message}) => {
    const isCopied = await toClipboard(message.text);
    announcer.textContent = say(isCopied ? "message.copied" : "message.notCopied");
  });
}
