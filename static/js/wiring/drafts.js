// @ts-check
/** Owns where drafts meet the page: what is typed is kept at once, and stands in the field again after a reload. */
import {allTabs} from "../browser-storage.js";
import {Drafts} from "../models/drafts.js";
import {on} from "../on.js";
import {isOfSite} from "./server.js";

/** @param {import("./models.js").Models} models @param {import("./elements.js").Elements} elements */
export function wireDrafts({me, names, conversations, outbox, socket, tokens}, {composer, signOutButton}) {
  const drafts = new Drafts(me, allTabs, names);
  const store = (/** @type {string} */ text) => conversations.opened && drafts.set(conversations.opened.withUserId, text);
  on(conversations, "open", ({conversation, asked}) => {
    if (asked) conversation.draft = drafts.move(asked.withUserId, conversation.withUserId, asked.draft);
    if (conversation && !conversation.draft) conversation.draft = drafts.get(conversation.withUserId);
  });
  on(composer, "draft", ({text}) => store(text));
  on(composer, "send-message", () => store(""));
  on(allTabs, "change", (change) => {
    for (const conversation of conversations.list) {
      const draft = drafts.read(change, conversation.withUserId, conversation.draft);
      if (draft === undefined) continue;
      conversation.draft = draft;
      if (conversation === conversations.opened) composer.show(draft);
    }
  });
  const forget = () => {
    drafts.forget();
    outbox.forgetFailed();
  };
  signOutButton.addEventListener("click", forget);
  if (!isOfSite) return;
  let isSignedOut = false; // of the site; whose session there has only expired comes back
  socket.on("error", ({code}) => (isSignedOut = code === "signed_out"));
  socket.on("ready", () => (isSignedOut = false));
  on(tokens, "over", () => isSignedOut && forget());
}
