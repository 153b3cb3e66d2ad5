// @ts-check
/**
 * Owns notifications on any page, beside a ChatSocket: what the socket hears becomes banners, each once; what somebody
 * saw or closed is told to the server. Leaves the connection to chat-socket.js. docs/embed.md shows it at work.
 *
 *     const socket = new ChatSocket("wss://chat.example.com/ws", {userId: "alice"});
 *     showBanners(socket);
 */
import {makeBanners} from "./elements/chat-banners.js";
import {Notifications} from "./models/notifications.js";
import {on} from "./on.js";

/** @typedef {import("./chat-socket.js").ChatSocket} ChatSocket */
/** @typedef {import("./elements/chat-banners.js").ChatBanners} ChatBanners */
/** @typedef {import("./elements/notice-row.js").NoticeWords} NoticeWords */

/** @type {Record<"en" | "ko", NoticeWords>} */
const BANNER_WORDS = {
  en: {
    label: "Notifications",
    dismiss: "Dismiss",
    open: "Open",
    more: (count) => `${count} more`,
    level: (level) => ({info: "Information", success: "Success", warning: "Warning", error: "Error"})[level] ?? "",
  },
  ko: {
    label: "알림",
    dismiss: "닫기",
    open: "열기",
    more: (count) => `알림 ${count}개 더 있음`,
    level: (level) => ({info: "안내", success: "완료", warning: "주의", error: "오류"})[level] ?? "",
  },
};

/** @param {string} language as an attribute `lang` has it */
export function bannerWords(language) {
  return language.startsWith("ko") ? BANNER_WORDS.ko : BANNER_WORDS.en;
}

/**
 * Shows this person's notifications on this page, until the function returned is called.
 * @param {ChatSocket} socket @param {{words?: NoticeWords, into?: Node}} [options] `words`: what it says instead;
 *   `into`: where the banners stand, at the end of the page otherwise
 * @returns {() => void}
 */
export function showBanners(socket, {words = bannerWords(document.documentElement.lang), into = document.body} = {}) {
  const banners = makeBanners();
  banners.words = words;
  into.appendChild(banners);
  const notifications = new Notifications({tell: (type, which) => socket.emit(type, which)});
  const stop = connectBanners(socket, notifications, banners);
  banners.addEventListener("all", () => {
    for (const {id} of notifications.list.filter(({seen}) => seen)) banners.withdraw(id);
  });
  return () => {
    stop();
    banners.remove();
  };
}

/**
 * From the socket to the model, from the model to the banners, and what was asked of them back.
 * @param {ChatSocket} socket @param {Notifications} notifications @param {ChatBanners} banners
 * @param {() => boolean} [isWanted] whether what comes is to be shown here
 * @returns {() => void} ends what comes from the socket
 */
export function connectBanners(socket, notifications, banners, isWanted = () => true) {
  const stops = [
    socket.on("ready", (ready) => notifications.applyReady(ready)),
    socket.on("pong", (pong) => notifications.applyClock(pong)),
    socket.on("notification", (notification) => notifications.receive(notification)),
    socket.on("seen", ({notificationId, upTo, change}) => {
      notifications.noteChange(change);
      if (upTo) notifications.applySeenUpTo(upTo);
      else notifications.applySeen(notificationId);
    }),
    socket.on("dismissed", ({notificationId, upTo, change}) => {
      notifications.noteChange(change);
      if (upTo) notifications.applyDismissedUpTo(upTo);
      else notifications.applyDismissed(notificationId);
    }),
  ];
  on(notifications, "arrive", ({notice}) => isWanted() && banners.show(notice));
  on(notifications, "amend", ({notice}) => banners.amend(notice));
  on(notifications, "seen", ({id}) => banners.withdrawUnseen(id));
  on(notifications, "gone", ({id}) => banners.withdraw(id));
  on(banners, "seen", ({id}) => notifications.markSeen(id));
  on(banners, "dismiss", ({id}) => notifications.dismiss(id));
  return () => stops.forEach((stop) => stop());
}
