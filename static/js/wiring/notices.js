// @ts-check
/**
 * Owns where notifications meet the page: the banners, the bell, the number in the tab, the desktop and the sound.
 * Leaves each to its own file, and the connection to app.js, which calls this once.
 */
import {Badge} from "../badge.js";
import {connectBanners} from "../banner.js";
import {chime} from "../chime.js";
import {DesktopNotify} from "../desktop-notify.js";
import {language, say} from "../language.js";
import {ChatBanners} from "../elements/chat-banners.js";
import {ChatBell, noticeWords} from "../elements/chat-bell.js";
import {part} from "../elements/parts.js";
import {Notifications} from "../models/notifications.js";
import {on} from "../on.js";

/** @typedef {import("../chat-api.js").ChatApi} ChatApi */
/** @typedef {import("../chat-socket.js").ChatSocket} ChatSocket */
/** @typedef {import("../models/conversations.js").Conversations} Conversations */

/**
 * Shows this person's notifications for as long as the page lives.
 * @param {string} me @param {ChatSocket} socket @param {Conversations} conversations @param {ChatApi} api
 */
export function showNotices(me, socket, conversations, api) {
  const banners = part(document, "chat-banners", ChatBanners);
  const bell = part(document, "chat-bell", ChatBell);
  const notifications = new Notifications({
    tell: (type, notificationId) => socket.emit(type, {notificationId}),
    fetch: (page) => api.notifications(page),
    storage: localStorage,
  });
  const desktop = new DesktopNotify(me);
  connectBanners(socket, notifications, banners);
  drawNotices(notifications, conversations, banners, bell, desktop);
  answerBell(notifications, banners, bell, desktop);
  tellOutside(notifications, conversations, bell, desktop);
  window.addEventListener("storage", (change) => notifications.hear(change));
}

/** From the models to the elements. @param {Notifications} notifications @param {Conversations} conversations @param {ChatBanners} banners @param {ChatBell} bell @param {DesktopNotify} desktop */
function drawNotices(notifications, conversations, banners, bell, desktop) {
  const badge = new Badge();
  const drawBadge = () => badge.show(conversations.unread + notifications.unseen);
  const drawAll = () => {
    banners.words = noticeWords();
    bell.show(notifications, desktop.state);
    drawBadge();
  };
  on(conversations, "list", drawBadge);
  on(notifications, "change", () => {
    bell.show(notifications, desktop.state);
    drawBadge();
  });
  language.addEventListener("change", drawAll);
  drawAll();
}

/** From the bell to the models. @param {Notifications} notifications @param {ChatBanners} banners @param {ChatBell} bell @param {DesktopNotify} desktop */
function answerBell(notifications, banners, bell, desktop) {
  on(bell, "opened", () => {
    for (const {id} of notifications.list) banners.withdraw(id); // they stand in the list
    notifications.load();
  });
  on(bell, "more", () => notifications.more());
  on(bell, "seen", ({id}) => notifications.see(id));
  on(bell, "dismiss", ({id}) => notifications.dismiss(id));
  on(bell, "mute", ({muted}) => {
    notifications.muted = muted;
    if (!muted) chime();
  });
  on(bell, "allow", async () => {
    await desktop.ask();
    bell.show(notifications, desktop.state);
  });
  on(banners, "all", () => bell.open());
}

/** To the desktop and the loudspeaker, and away again. @param {Notifications} notifications @param {Conversations} conversations @param {ChatBell} bell @param {DesktopNotify} desktop */
function tellOutside(notifications, conversations, bell, desktop) {
  const sound = () => void (notifications.muted || chime());
  on(notifications, "arrive", ({notice}) => {
    if (desktop.speaks) sound();
    const {id, title, message} = notice;
    const isUnread = () => notifications.list.some((held) => held.id === id && !held.seen);
    desktop.show({tag: `notification.${id}`, title: title || say("notification.label"), body: message, isUnread, open: () => bell.open()});
  });
  on(conversations, "heard", ({conversation, message}) => {
    const {withUserId} = conversation;
    const isUnread = () => message.seq > conversation.read;
    const open = () => void (location.hash = encodeURIComponent(withUserId));
    desktop.show({tag: `message.${withUserId}`, title: withUserId, body: message.text, isUnread, open}, sound);
  });
  on(notifications, "change", () => {
    const unseen = new Set(notifications.list.filter(({seen}) => !seen).map(({id}) => `notification.${id}`));
    for (const tag of desktop.tags) if (tag.startsWith("notification.") && !unseen.has(tag)) desktop.close(tag);
  });
  on(conversations, "list", () => {
    const unread = new Set(conversations.list.filter((conversation) => conversation.unread > 0).map(({withUserId}) => `message.${withUserId}`));
    for (const tag of desktop.tags) if (tag.startsWith("message.") && !unread.has(tag)) desktop.close(tag);
  });
}
