// @ts-check
/**
 * Owns the chat in a React component: one connection for as long as the component is there, though it is drawn again and
 * again. The callbacks may be new ones each time. Leaves the connection to chat-socket.js.
 */
import {useCallback, useEffect, useRef, useState} from "react";
import {ChatSocket} from "../../static/js/chat-socket.js";
import {listen} from "../listen.js";

/** @typedef {import("../listen.js").Chat} Chat */
/** @typedef {import("../listen.js").Notification} Notification */
/** @typedef {import("../listen.js").Connection} Connection */
/** @typedef {import("../../static/js/chat-socket.js").Ack} Ack */
/** @typedef {import("../../static/js/chat-socket.js").Why} Why */
/**
 * @typedef {object} Options
 * @property {string} url ws: or wss:
 * @property {string} userId another one opens another connection
 * @property {string | ((why: Why) => string | undefined | Promise<string | undefined>)} [token] where the name needs one; a function is asked whenever one is needed
 * @property {(chat: Chat) => void} [onChat] each message once
 * @property {(notice: Notification) => void} [onNotify] each notification once
 */

/**
 * @param {Options} options
 * @returns {{connection: Connection, sendMessage: (toUserId: string, message: string) => Promise<Ack>}} `sendMessage` resolves to
 *   what is stored, with `seq` and `timestamp`; what it rejects with has a `code`
 */
export function useChat({url, userId, token, onChat, onNotify}) {
  const socketRef = useRef(/** @type {ChatSocket | null} */ (null));
  const latest = useRef({token, onChat, onNotify});
  const [connection, setConnection] = useState(/** @type {Connection} */ ("connecting"));

  useEffect(() => {
    latest.current = {token, onChat, onNotify};
  });

  useEffect(() => {
    const ask = (/** @type {Why} */ why) => {
      const {token} = latest.current;
      return typeof token === "function" ? token(why) : token;
    };
    const socket = new ChatSocket(url, {userId, token: ask});
    socketRef.current = socket;
    return listen(socket, {
      onConnection: setConnection,
      onChat: (chat) => latest.current.onChat?.(chat),
      onNotify: (notice) => latest.current.onNotify?.(notice),
    });
  }, [url, userId, typeof token === "function" ? "" : token]);

  const sendMessage = useCallback((/** @type {string} */ toUserId, /** @type {string} */ message) => {
    const socket = socketRef.current;
    return socket ? socket.emit("chat", {toUserId, message}) : Promise.reject(new Error("The component is not on the page yet."));
  }, []);
  return {connection, sendMessage};
}
