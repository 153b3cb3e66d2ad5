// @ts-check
/** Owns where names meet the page: what the server says of them is learnt first, and a typed one is asked for. */
import {ChatError} from "../chat-socket.js";
import {language, say, sayWhole} from "../language.js";
import {problemOf} from "../models/sender.js";
import {on} from "../on.js";

/** An answer that comes within this needs no "looking for". */
const PATIENCE_MS = 300;

/** @param {import("./models.js").Models} models @param {import("./elements.js").Elements} elements */
export function wireNames({me, names, socket, conversations, outbox}, {nameField, nameNote}) {
  learnNames(me, names, socket);
  /** @param {string} typed @param {ChatError} error */
  const refuse = (typed, error) => {
    const {opened} = conversations;
    if (nameField.chosen === typed && opened?.withUserId === typed && !opened.draft && !opened.pending.length) {
      conversations.open(undefined); // nothing was written yet, so that the error can stand at the field
      history.replaceState(null, "", location.pathname + location.search);
      return nameField.refuse(typed, sayWhole(error));
    }
    conversations.noteProblem(typed, error);
    outbox.failAll(typed, problemOf(error));
  };
  on(conversations, "unasked", ({name}) => names.ask(name));
  on(names, "found", ({typed, userId}) => {
    if (names.keyOf(userId) === names.keyOf(me)) return refuse(typed, new ChatError("invalid_field", "", {field: "userId", rule: "own_name"}));
    conversations.settleName(typed, userId);
    if (location.hash === `#${encodeURIComponent(typed)}`) history.replaceState(null, "", `#${encodeURIComponent(userId)}`);
  });
  on(names, "problem", ({typed, error, isFinal}) => {
    if (isFinal) refuse(typed, error);
    else conversations.noteProblem(typed, error);
  });
  wireNote(conversations, nameNote);
}

/** @param {string} me @param {import("../models/names.js").Names} names @param {import("../chat-socket.js").ChatSocket} socket */
function learnNames(me, names, socket) {
  socket.on("ready", ({userId, conversations = [], blocked = [], keys}) => {
    names.learn([userId, ...conversations.map(({withUserId}) => withUserId), ...blocked], keys);
    names.learn([me], {[me]: names.keyOf(userId)});
  });
  socket.on("chat", ({fromUserId, toUserId, keys}) => names.learn([fromUserId, toUserId], keys));
  socket.on("receipt", ({userId, withUserId, keys}) => names.learn([userId, withUserId], keys));
  socket.on("typing", ({fromUserId, keys}) => names.learn([fromUserId], keys));
  for (const type of /** @type {const} */ (["presence", "blocking"])) socket.on(type, ({userId, keys}) => names.learn([userId], keys));
}

/** Whose the open conversation is, where nobody knows. @param {import("../models/conversations.js").Conversations} conversations @param {HTMLElement} note */
function wireNote(conversations, note) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const draw = () => {
    const {isUnasked, nameProblem, withUserId} = conversations.opened ?? {};
    note.hidden = !isUnasked;
    if (!isUnasked || !withUserId) return;
    const asking = nameProblem?.retry === "never" ? "" : say("name.asking", {name: withUserId});
    note.textContent = nameProblem ? `${sayWhole(nameProblem)} ${asking}`.trim() : asking;
  };
  const drawSoon = () => {
    clearTimeout(timer);
    const {isUnasked, nameProblem} = conversations.opened ?? {};
    if (isUnasked && !nameProblem) timer = setTimeout(draw, PATIENCE_MS);
    else draw();
  };
  on(conversations, "open", () => {
    note.hidden = true;
    drawSoon();
  });
  on(conversations, "messages", ({conversation}) => conversation === conversations.opened && drawSoon());
  language.addEventListener("change", drawSoon);
}
