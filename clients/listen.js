// @ts-check
/**
 * Owns what a component hears of a ChatSocket: each message and each notification once, though a server says again
 * after a broken connection what nothing proved. Leaves the component's life to useChat.js of react/ and of vue/.
 */

/** @typedef {import("../static/js/chat-socket.js").Chat & {conversationId?: string}} Chat */
/** @typedef {import("../static/js/chat-socket.js").Notification} Notification */
/** @typedef {import("../static/js/chat-socket.js").State["name"]} Connection */
/** @typedef {{onConnection: (name: Connection) => void, onChat: (chat: Chat) => void, onNotify: (notice: Notification) => void}} Hears */

/** @param {import("../static/js/chat-socket.js").ChatSocket} socket @param {Hears} hears @returns {() => void} ends it, and the connection */
export function listen(socket, {onConnection, onChat, onNotify}) {
  /** @type {Map<string | undefined, number>} conversation -> the last `seq` that was told: they come in order */
  const last = new Map();
  /** @type {Set<unknown>} */
  const told = new Set();
  /** @type {string | undefined} */
  let epoch;
  const stops = [
    socket.on("state", ({name}) => onConnection(name)),
    socket.on("ready", (ready) => {
      if (epoch !== undefined && epoch !== ready.epoch) for (const known of [last, told]) known.clear(); // numbers are given anew
      epoch = ready.epoch;
    }),
    socket.on("chat", (/** @type {Chat} */ chat) => {
      if (chat.seq <= (last.get(chat.conversationId) ?? 0)) return;
      last.set(chat.conversationId, chat.seq);
      onChat(chat);
    }),
    socket.on("notification", (notice) => {
      if (notice.id !== undefined && told.has(notice.id)) return;
      told.add(notice.id);
      onNotify(notice);
    }),
  ];
  onConnection(socket.state.name);
  return () => {
    for (const stop of stops) stop();
    socket.close();
  };
}
