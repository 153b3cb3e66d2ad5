// @ts-check
/** Owns where the settings of conversations meet the page: the menu of the open one asks the server, which tells all my screens. */
import {say} from "../language.js";
import {profiles} from "../models/profiles.js";
import {on} from "../on.js";

/** @typedef {import("../models/conversation-settings.js").Settings} Settings */

/** @param {import("./models.js").Models} models @param {import("./elements.js").Elements} elements */
export function wireConversationSettings({api, socket, conversations, settings}, {header, list, problems, undoToast}) {
  list.settings = settings;
  /** @param {Partial<Settings>} changes @param {boolean} [leaves] whether it is not open any more then @param {string} [withUserId] else of the open one */
  const change = async (changes, leaves = false, withUserId = conversations.opened?.withUserId) => {
    if (withUserId === undefined) return;
    const wanted = {...settings.of(withUserId), ...changes};
    try {
      await api.putSettings(wanted);
    } catch (error) {
      return problems.tell(/** @type {import("../chat-socket.js").ChatError} */ (error));
    }
    if (leaves && conversations.opened?.withUserId === withUserId) location.hash = "";
    settings.put(wanted);
    return wanted;
  };
  const hide = async () => {
    const {withUserId, lastSeq} = conversations.opened ?? {};
    if (!withUserId || !await change({hiddenSeq: lastSeq}, true)) return;
    undoToast.show(say("conversation.isHidden", {name: profiles.nameOf(withUserId)}), say("conversation.undo"), () => change({hiddenSeq: 0}, false, withUserId));
  };
  const draw = () => {
    if (conversations.opened) header.showSettings(settings.of(conversations.opened.withUserId), settings.hides(conversations.opened));
  };
  socket.on("ready", ({settings: all = []}) => settings.replace(all));
  socket.on("settings", ({settings: one}) => settings.put(one));
  on(settings, "change", draw);
  on(conversations, "open", ({conversation}) => {
    draw();
    if (conversation && settings.of(conversation.withUserId).markedUnread) change({markedUnread: false});
  });
  on(header, "mute", () => conversations.opened && change({muted: !settings.of(conversations.opened.withUserId).muted}));
  on(header, "mark-unread", () => change({markedUnread: true}, true));
  on(header, "hide", hide);
  on(header, "unhide", () => change({hiddenSeq: 0}));
}
