// @ts-check
/** Owns the list of the page's elements, found once in its markup. Leaves what they show to each of them. */
import {AccountDialog} from "../elements/account-dialog.js";
import {BlockDialog} from "../elements/block-dialog.js";
import {ChatBanners} from "../elements/chat-banners.js";
import {ChatBell} from "../elements/chat-bell.js";
import {ConnectionStatus} from "../elements/connection-status.js";
import {ConversationHeader} from "../elements/conversation-header.js";
import {ConversationList} from "../elements/conversation-list.js";
import {DateDialog} from "../elements/date-dialog.js";
import {EmptyList} from "../elements/empty-list.js";
import {MessageComposer} from "../elements/message-composer.js";
import {MessageList} from "../elements/message-list.js";
import {MessageMenu} from "../elements/message-menu.js";
import {NameField} from "../elements/name-field.js";
import {part} from "../elements/parts.js";
import {Problems} from "../elements/problems.js";
import {SearchBox} from "../elements/search-box.js";
import {SignIn} from "../elements/sign-in.js";
import {UndoToast} from "../elements/undo-toast.js";
import "../elements/language-switch.js";
import "../elements/popover-menu.js";

/** @typedef {ReturnType<typeof findElements>} Elements */

/** Finds them; one that is missing throws. */
export function findElements() {
  const banners = part(document, "chat-banners", ChatBanners);
  return {
    problems: new Problems(banners),
    signIn: part(document, "sign-in", SignIn),
    chat: part(document, "#chat", HTMLElement),
    status: part(document, "connection-status", ConnectionStatus),
    banners,
    bell: part(document, "chat-bell", ChatBell),
    list: part(document, "conversation-list", ConversationList),
    newButton: part(document, "#new-message", HTMLButtonElement),
    emptyList: part(document, "empty-list", EmptyList),
    inviteButtons: /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("button.invite")),
    nameField: part(document, "name-field", NameField),
    searchBox: part(document, "search-box", SearchBox),
    accountDialog: part(document, "account-dialog", AccountDialog),
    blockDialog: part(document, "block-dialog", BlockDialog),
    blockedButton: part(document, "#blocked", HTMLButtonElement),
    nameNote: part(document, "#name-note", HTMLElement),
    blockedNote: part(document, "#blocked-note", HTMLElement),
    profileButton: part(document, "#profile", HTMLButtonElement),
    accountButton: part(document, "#account", HTMLButtonElement),
    themeButtons: /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("#my-menu .choices button")),
    largeButton: part(document, "#large", HTMLButtonElement),
    keysButton: part(document, "#show-keys", HTMLButtonElement),
    keysDialog: part(document, "#keys", HTMLDialogElement),
    dateDialog: part(document, "date-dialog", DateDialog),
    soundButton: part(document, "#sound", HTMLButtonElement),
    enterButton: part(document, "#enter-breaks", HTMLButtonElement),
    signOutButton: part(document, "#sign-out", HTMLButtonElement),
    conversation: part(document, "#conversation", HTMLElement),
    noConversation: part(document, "#no-conversation", HTMLElement),
    header: part(document, "conversation-header", ConversationHeader),
    messages: part(document, "message-list", MessageList),
    messageMenu: part(document, "message-menu", MessageMenu),
    composer: part(document, "message-composer", MessageComposer),
    undoToast: part(document, "undo-toast", UndoToast),
    announcer: part(document, "#announcer", HTMLElement),
  };
}
