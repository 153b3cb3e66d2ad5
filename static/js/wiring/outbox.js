// @ts-check
/** Owns where the outbox meets the page: its messages go to the socket, and what became of them to the conversations. */
import {allTabs} from "../browser-storage.js";
import {say} from "../language.js";
import {Sender} from "../models/sender.js";
import {on} from "../on.js";

/** @param {import("./models.js").Models} models @param {import("./elements.js").Elements} elements */
export function wireOutbox({names, socket, conversations, outbox}, {messages, banners}) {
  for (const entry of outbox.entries) conversations.putPending(entry);
  on(outbox, "write", ({entry}) => conversations.putPending(entry));
  on(outbox, "change", ({entry}) => conversations.putPending(entry));
  on(outbox, "settle", ({entry, ack}) => conversations.markStored(entry, ack));
  on(outbox, "discard", ({entry}) => conversations.discard(entry));
  on(outbox, "unkept", () => {
    if (!allTabs.isThere) return; // which storage.js has said, once for all messages
    banners.show({id: "outbox.unkept", level: "warning", title: say("outbox.unkeptTitle"), message: say("outbox.unkept")});
  });
  on(conversations, "stored", ({clientId, seq, timestamp}) => outbox.settle(clientId, {seq, timestamp}));
  on(messages, "try-again", ({message}) => outbox.retry(message.clientId));
  on(messages, "discard", ({message}) => outbox.discard(message.clientId));

  const sender = new Sender(outbox, ({clientId, toUserId, text}) => socket.emit("chat", {toUserId, message: text, clientId}));
  on(names, "learn", () => sender.sendAll());
  socket.on("state", ({name}) => sender.setOnline(name === "online"));
  on(allTabs, "change", (change) => outbox.applyStorageChange(change));
  window.addEventListener("beforeunload", (event) => {
    if (outbox.isAtRisk) event.preventDefault();
  });
}
