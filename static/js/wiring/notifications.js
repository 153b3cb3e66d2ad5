// @ts-check
/**
 * Owns where notifications meet the page: the banners, the bell, the number in the tab, the desktop and the sound.
 * Leaves each of these to its own file.
 */
import {Badge} from "../badge.js";
import {connectBanners} from "../banner.js";
import {allTabs} from "../browser-storage.js";
import {chime} from "../chime.js";
import {DesktopNotify} from "../desktop-notify.js";
import {host} from "../host.js";
import {language, say} from "../language.js";
import {noticeWords} from "../elements/chat-bell.js";
import {Notifications} from "../models/notifications.js";
import {profiles} from "../models/profiles.js";
import {on, onceForAll} from "../on.js";

/** @typedef {import("../elements/chat-banners.js").ChatBanners} ChatBanners */
/** @typedef {import("../elements/chat-bell.js").ChatBell} ChatBell */
/** @typedef {import("../models/conversations.js").Conversations} Conversations */

/** @param {import("./models.js").Models} models @param {import("./elements.js").Elements} elements */
export function wireNotifications({me, attention, socket, conversations, settings, api}, {banners, bell, composer, soundButton}) {
  const notifications = new Notifications({
    tell: (type, which) => socket.emit(type, which),
    fetch: (page) => api.notifications(page),
    fetchChanges: (page) => api.notificationChanges(page),
    storage: allTabs,
  });
  const desktop = new DesktopNotify(me, attention);
  for (const element of [banners, bell]) {
    element.isAway = () => attention.isAway;
    on(attention, "change", () => element.reportSeen());
  }
  connectBanners(socket, notifications, banners, () => !host.notifies);
  new ResizeObserver(() => banners.style.setProperty("--kept-free", `${composer.offsetHeight}px`)).observe(composer);
  const drawBadge = drawNotifications(notifications, conversations, banners, bell, desktop);
  on(settings, "change", drawBadge); // what is muted is not counted
  answerBell(notifications, banners, bell, desktop);
  notifyOutside(notifications, conversations, settings, bell, desktop);
  wireSound(notifications, bell, soundButton);
  on(allTabs, "change", (change) => notifications.applyStorageChange(change));
}

/** From the models to the elements. @param {Notifications} notifications @param {Conversations} conversations @param {ChatBanners} banners @param {ChatBell} bell @param {DesktopNotify} desktop */
function drawNotifications(notifications, conversations, banners, bell, desktop) {
  const badge = new Badge();
  const drawBadge = onceForAll(() => badge.show(conversations.unread + notifications.unseen));
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
  return drawBadge;
}

/** From the bell to the models. @param {Notifications} notifications @param {ChatBanners} banners @param {ChatBell} bell @param {DesktopNotify} desktop */
function answerBell(notifications, banners, bell, desktop) {
  on(bell, "opened", () => {
    for (const {id} of notifications.list) banners.withdraw(id); // they stand in the list
    notifications.load();
  });
  on(bell, "more", () => notifications.loadMore());
  on(bell, "seen", ({id}) => notifications.markSeen(id));
  on(bell, "dismiss", ({id}) => notifications.dismiss(id));
  on(bell, "all-seen", () => notifications.markAllSeen());
  on(bell, "all-dismissed", () => notifications.dismissAll());
  on(bell, "allow", async () => {
    await desktop.requestPermission();
    bell.show(notifications, desktop.state);
  });
  on(banners, "all", () => bell.open());
}

/** @param {Notifications} notifications @param {ChatBell} bell @param {HTMLButtonElement} button of one's own menu */
function wireSound(notifications, bell, button) {
  const mute = (/** @type {boolean} */ muted) => {
    notifications.muted = muted;
    if (!muted) chime();
  };
  const draw = () => button.setAttribute("aria-checked", String(!notifications.muted));
  on(bell, "mute", ({muted}) => mute(muted));
  button.addEventListener("click", () => mute(!notifications.muted));
  on(notifications, "change", draw);
  draw();
}

/** To the desktop and the loudspeaker, and away again. @param {Notifications} notifications @param {Conversations} conversations @param {import("../models/conversation-settings.js").ConversationSettings} settings @param {ChatBell} bell @param {DesktopNotify} desktop */
function notifyOutside(notifications, conversations, settings, bell, desktop) {
  const sound = () => void (notifications.muted || chime());
  on(notifications, "arrive", ({notice}) => {
    if (host.notifies) return;
    if (desktop.speaks) sound();
    const {id, title, message} = notice;
    const isUnread = () => notifications.list.some((held) => held.id === id && !held.seen);
    desktop.show({tag: `notification.${id}`, title: title || say("notification.label"), body: message, isUnread, open: () => bell.open()});
  });
  on(conversations, "heard", ({conversation, message}) => {
    if (settings.of(conversation.withUserId).muted || host.notifies) return;
    const {withUserId} = conversation;
    const isUnread = () => message.seq > conversation.read;
    const open = () => void (location.hash = encodeURIComponent(withUserId));
    desktop.show({tag: `message.${withUserId}`, title: profiles.nameOf(withUserId), icon: profiles.of(withUserId).avatarUrl, body: message.text, isUnread, open}, sound);
  });
  on(notifications, "change", () => {
    const unseen = new Set(notifications.list.filter(({seen}) => !seen).map(({id}) => `notification.${id}`));
    for (const tag of desktop.tags) if (tag.startsWith("notification.") && !unseen.has(tag)) desktop.close(tag);
  });
  on(conversations, "list", () => {
    if (!desktop.tags.length) return;
    const unread = new Set(conversations.list.filter((conversation) => conversation.unread > 0).map(({withUserId}) => `message.${withUserId}`));
    for (const tag of desktop.tags) if (tag.startsWith("message.") && !unread.has(tag)) desktop.close(tag);
  });
}
