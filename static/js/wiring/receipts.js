// @ts-check
/** Owns where receipts meet the page: what was on the screen counts as read, and the server is told how far. */
import {Receipts} from "../models/receipts.js";
import {on} from "../on.js";

/** @param {import("./models.js").Models} models @param {import("./elements.js").Elements} elements */
export function wireReceipts({socket, conversations}, {messages}) {
  const receipts = new Receipts((kind, pointer) => socket.emit(kind, pointer));
  on(conversations, "received", ({conversation, seq}) => receipts.schedule("received", conversation.withUserId, seq));
  on(conversations, "read", ({conversation, seq}) => receipts.schedule("read", conversation.withUserId, seq));
  on(conversations, "forget", () => receipts.forget());
  on(messages, "seen", ({seq}) => conversations.markSeen(seq));
}
