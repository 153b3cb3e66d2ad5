// @ts-check
/** Owns the list of what a signed-in page is made of besides its elements. Leaves how they meet to this folder's other files. */
import {allTabs} from "../browser-storage.js";
import {ChatApi, openSession, renewSession} from "../chat-api.js";
import {ChatSocket} from "../chat-socket.js";
import {Blocks} from "../models/blocks.js";
import {ConversationSettings} from "../models/conversation-settings.js";
import {Conversations} from "../models/conversations.js";
import {History} from "../models/history.js";
import {Names} from "../models/names.js";
import {profiles} from "../models/profiles.js";
import {Outbox} from "../models/outbox.js";
import {Attention} from "../models/presence.js";
import {Search} from "../models/search.js";
import {Tokens} from "../models/tokens.js";
import {Typing} from "../models/typing.js";
import {apiBase, isOfSite, socketUrl} from "./server.js";

/** @typedef {ReturnType<typeof makeModels>} Models */

/** Makes them, and begins to connect. @param {string} me @param {import("../models/tab-session.js").TabSession} session */
export function makeModels(me, session) {
  const tokens = new Tokens(session, {renew: isOfSite ? undefined : (token) => renewSession(apiBase, token), signIn: () => openSession(apiBase, {userId: me})});
  const socket = new ChatSocket(socketUrl.href, {userId: me, sync: true, token: (why) => tokens.give(why)});
  const api = new ChatApi(apiBase, me, session, (told) => profiles.learn(told));
  const stopAsking = socket.on("ready", () => {
    profiles.askAgain((userId) => !names.isUnasked(userId));
    stopAsking();
  });
  socket.on("ready", (ready) => profiles.learn(ready));
  socket.on("profile", (event) => profiles.hear(event));
  profiles.find = (userIds) => api.send("POST", "profiles", {userIds});
  const names = new Names((typed) => {
    profiles.expect(typed);
    return api.user(typed);
  });
  const settings = new ConversationSettings(names);
  const conversations = new Conversations(me, names, settings);
  const blocks = new Blocks(names);
  const history = new History(api, conversations);
  const search = new Search(api);
  const outbox = new Outbox(me, allTabs, names);
  const typing = new Typing((userId, isTyping) => conversations.setTyping(userId, isTyping), (toUserId) => socket.send("typing", {toUserId}));
  const attention = new Attention();
  return {me, session, tokens, names, attention, socket, conversations, settings, blocks, api, history, search, outbox, typing};
}
