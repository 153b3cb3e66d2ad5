// @ts-check
/**
 * Owns the chat in a Vue component: one connection for as long as the component, or the effect scope, is there. Leaves
 * the connection to chat-socket.js.
 */
import {onScopeDispose, shallowRef, toValue, watch} from "vue";
import {ChatSocket} from "../../static/js/chat-socket.js";
import {listen} from "../listen.js";

/** @typedef {import("../listen.js").Chat} Chat */
/** @typedef {import("../listen.js").Notification} Notification */
/** @typedef {import("../listen.js").Connection} Connection */
/** @typedef {import("../../static/js/chat-socket.js").Ack} Ack */
/** @typedef {import("../../static/js/chat-socket.js").Why} Why */
/**
 * @typedef {object} Options
 * @property {import("vue").MaybeRefOrGetter<string>} url ws: or wss:
 * @property {import("vue").MaybeRefOrGetter<string>} userId another one opens another connection
 * @property {(why: Why) => string | undefined | Promise<string | undefined>} [token] asked whenever one is needed, where the name needs one
 * @property {(chat: Chat) => void} [onChat] each message once
 * @property {(notice: Notification) => void} [onNotify] each notification once
 */

/**
 * @param {Options} options
 * @returns {{connection: Readonly<import("vue").ShallowRef<Connection>>, sendMessage: (toUserId: string, message: string) => Promise<Ack>}}
 *   `sendMessage` resolves to what is stored, with `seq` and `timestamp`; what it rejects with has a `code`
 */
export function useChat({url, userId, token, onChat, onNotify}) {
  const connection = shallowRef(/** @type {Connection} */ ("connecting"));
  /** @type {ChatSocket} */
  let socket;
  let leave = () => {};
  watch([() => toValue(url), () => toValue(userId)], ([address, name]) => {
    leave();
    socket = new ChatSocket(address, {userId: name, token});
    leave = listen(socket, {
      onConnection: (name) => (connection.value = name),
      onChat: (chat) => onChat?.(chat),
      onNotify: (notice) => onNotify?.(notice),
    });
  }, {immediate: true});
  onScopeDispose(() => leave());
  return {connection, sendMessage: (toUserId, message) => socket.emit("chat", {toUserId, message})};
}
