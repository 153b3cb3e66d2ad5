// @ts-check
/** Where drafts meet the page: what is typed is kept at once, and stands in the field again after a reload. */
import {Drafts} from "../models/drafts.js";

/**
 * Called before anybody else hears of an opened conversation, so that it has its draft then.
 * @param {string} me @param {import("../models/conversations.js").Conversations} conversations
 * @param {EventTarget} composer @param {EventTarget} signOut
 */
export function keepDrafts(me, conversations, composer, signOut) {
  const drafts = new Drafts(me, localStorage);
  const keep = (/** @type {string} */ text) => conversations.opened && drafts.set(conversations.opened.withUserId, text);
  conversations.addEventListener("open", () => {
    const {opened} = conversations;
    if (opened && !opened.draft) opened.draft = drafts.get(opened.withUserId);
  });
  composer.addEventListener("draft", (event) => keep(/** @type {CustomEvent} */ (event).detail.text));
  composer.addEventListener("send-message", () => keep(""));
  signOut.addEventListener("click", () => drafts.forget());
}
