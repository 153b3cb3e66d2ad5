// @ts-check
/** Owns what the widget says, in the language of the page around it, or else the browser's. Leaves the banners' words to banner.js. */

/** @typedef {{chat: string, close: string, unread: (count: number) => string}} Words */

/** @type {Record<"en" | "ko", Words>} */
const WORDS = {
  en: {chat: "Chat", close: "Close chat", unread: (count) => `Chat, ${count} unread`},
  ko: {chat: "채팅", close: "채팅 닫기", unread: (count) => `채팅, 읽지 않은 메시지 ${count}개`},
};

/** @param {string} language as an attribute `lang` has it @returns {Words} */
export function wordsOf(language) {
  return language.startsWith("ko") ? WORDS.ko : WORDS.en;
}
