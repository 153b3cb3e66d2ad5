// @ts-check
/**
 * Owns where the parts of the page meet: what the socket hears goes to the models, what the models tell goes to
 * the elements, what the elements ask goes back. Leaves all the work to them.
 */
import {ChatApi, PASSING, openAccount, openSession} from "./chat-api.js";
import {ChatSocket} from "./chat-socket.js";
import {language, say, sayOf} from "./language.js";
import {Conversations} from "./models/conversations.js";
import {History} from "./models/history.js";
import {isSameName, readName} from "./models/names.js";
import {Outbox} from "./models/outbox.js";
import {Postman} from "./models/postman.js";
import {Receipts} from "./models/receipts.js";
import {Typing} from "./models/typing.js";
import {on} from "./on.js";
import {AccountDialog} from "./elements/account-dialog.js";
import {ChatBanners} from "./elements/chat-banners.js";
import {ConnectionStatus} from "./elements/connection-status.js";
import {toClipboard} from "./elements/clipboard.js";
import {ConversationHeader} from "./elements/conversation-header.js";
import {ConversationList} from "./elements/conversation-list.js";
import {MessageComposer} from "./elements/message-composer.js";
import {MessageList} from "./elements/message-list.js";
import {NameField} from "./elements/name-field.js";
import {part} from "./elements/parts.js";
import {SearchBox} from "./elements/search-box.js";
import {SignIn} from "./elements/sign-in.js";
import "./elements/language-switch.js";
import {keepDrafts} from "./wiring/drafts.js";
import {followPresence} from "./wiring/presence.js";
import {showNotices} from "./wiring/notices.js";
import {search} from "./wiring/search.js";
import {TOKEN_KEY, guard, keep, showToken, signedInAs, wasSentAway} from "./wiring/session.js";

/** @typedef {import("./models/conversation.js").Conversation} Conversation */

const apiBase = new URL("api/", document.baseURI);
const signIn = part(document, "sign-in", SignIn);
const account = part(document, "account-dialog", AccountDialog);
const chatView = part(document, "#chat", HTMLElement);
const conversationView = part(document, "#conversation", HTMLElement);
const header = part(document, "conversation-header", ConversationHeader);
const list = part(document, "conversation-list", ConversationList);
const messages = part(document, "message-list", MessageList);
const composer = part(document, "message-composer", MessageComposer);
const status = part(document, "connection-status", ConnectionStatus);
const nameField = part(document, "name-field", NameField);
const searchBox = part(document, "search-box", SearchBox);
const banner = part(document, "chat-banners", ChatBanners);

signIn.addEventListener("sign-in", async (event) => {
  const {userId, password, isNew} = /** @type {CustomEvent} */ (event).detail;
  signIn.busy = true;
  try {
    start(keep(await (isNew ? openAccount : openSession)(apiBase, {userId, password})));
  } catch (error) {
    signIn.refuse(/** @type {import("./chat-socket.js").ChatError} */ (error));
  } finally {
    signIn.busy = false;
  }
});

const known = signedInAs();
const sentAway = wasSentAway();
if (known) start(known);
else if (sentAway) signIn.again(sentAway, "signin.again");

/** Everything from here to signing out, which loads the page anew. @param {string} me */
function start(me) {
  const address = new URL("ws", document.baseURI);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new ChatSocket(address.href, {userId: me, sync: true, token: showToken});
  const conversations = new Conversations(me);
  const api = new ChatApi(apiBase, me, sessionStorage, TOKEN_KEY);
  const history = new History(api, conversations);
  const outbox = new Outbox(me, localStorage);
  const typing = new Typing((userId, isTyping) => conversations.setTyping(userId, isTyping));

  signIn.hidden = true;
  chatView.hidden = false;
  for (const element of [list, nameField, searchBox]) element.introduce(me);

  keepDrafts(me, conversations, composer, part(document, "#sign-out", HTMLButtonElement));
  followPresence(socket, conversations);
  search(me, api, conversations, searchBox, nameField);
  hear(socket, conversations, history, typing);
  showNotices(me, socket, conversations, api);
  show(conversations);
  fetchWhatIsMissing(conversations, history);
  sendWhatWaits(socket, conversations, outbox);
  tellWhatIsRead(socket, conversations);
  ask(socket, conversations, outbox, typing);
  follow(conversations, history, me);

  guard(socket, me, apiBase, account);
}

/** From the socket to the models. @param {ChatSocket} socket @param {Conversations} conversations @param {History} history @param {Typing} typing */
function hear(socket, conversations, history, typing) {
  socket.on("open", () => conversations.connect());
  socket.on("ready", (ready) => {
    conversations.meet(ready);
    history.sync();
  });
  socket.on("chat", (chat) => conversations.take(chat));
  socket.on("receipt", (receipt) => conversations.receipt(receipt));
  socket.on("typing", ({fromUserId}) => typing.heard(fromUserId));
  socket.on("error", ({code, message}) => banner.show({id: `error.${code}`, level: "error", title: sayOf("error", code), message}));
  const showState = () => {
    status.show(socket.state);
    const {name} = socket.state;
    chatView.dataset.connection = name;
    part(list, ".connection", HTMLElement).textContent = name === "closed" ? "" : say(`connection.${name}`);
  };
  socket.on("state", showState);
  language.addEventListener("change", showState);
  showState();
}

/** From the models to the elements. @param {Conversations} conversations */
function show(conversations) {
  const drawList = () => {
    const {opened} = conversations;
    list.show(conversations.list, opened);
    header.draw();
  };
  on(conversations, "list", drawList);
  language.addEventListener("change", drawList);
  on(conversations, "open", ({conversation}) => {
    chatView.classList.toggle("has-conversation", Boolean(conversation));
    part(document, "#no-conversation", HTMLElement).hidden = Boolean(conversation);
    conversationView.hidden = !conversation;
    if (!conversation) return;
    header.show(conversation);
    messages.show(conversation);
    composer.begin(conversation.draft);
  });
  on(conversations, "messages", ({conversation}) => {
    if (conversation === conversations.opened) messages.draw();
  });
  on(conversations, "heard", ({conversation, message}) => {
    part(document, "#announcer", HTMLElement).textContent = say("conversation.heard", {name: conversation.withUserId, text: message.text});
  });
  const look = () => conversations.watch(!document.hidden);
  document.addEventListener("visibilitychange", look);
  look(); // opened in the background, or restored there, it never changes to hidden
}

/** @param {Conversations} conversations @param {History} history */
function fetchWhatIsMissing(conversations, history) {
  on(conversations, "gap", ({conversation}) => history.catchUp(conversation));
  on(conversations, "unknown", () => history.refresh());
  on(messages, "older", () => conversations.opened && history.older(conversations.opened));
  on(messages, "newer", () => conversations.opened && history.newer(conversations.opened));
  on(messages, "newest", () => conversations.opened && history.newest(conversations.opened));
  on(list, "more", () => history.more());
  on(history, "problem", ({code, message}) => {
    banner.show({id: `history.${code}`, level: PASSING.includes(code) ? "warning" : "error", title: sayOf("error", code), message: message === code ? "" : message});
  });
}

/** From the outbox to the socket, and what became of it back. @param {ChatSocket} socket @param {Conversations} conversations @param {Outbox} outbox */
function sendWhatWaits(socket, conversations, outbox) {
  for (const entry of outbox.entries) conversations.wait(entry);
  on(outbox, "write", ({entry}) => conversations.wait(entry));
  on(outbox, "change", ({entry}) => conversations.wait(entry));
  on(outbox, "settle", ({entry, ack}) => conversations.settle(entry, ack));
  on(outbox, "discard", ({entry}) => conversations.discard(entry));
  on(outbox, "unkept", () => {
    banner.show({id: "outbox.unkept", level: "warning", title: say("outbox.unkeptTitle"), message: say("outbox.unkept")});
  });
  on(conversations, "stored", ({clientId, seq, timestamp}) => outbox.settle(clientId, {seq, timestamp}));

  const postman = new Postman(outbox, ({clientId, toUserId, text}) => socket.emit("chat", {toUserId, message: text, clientId}));
  socket.on("state", ({name}) => postman.setOnline(name === "online"));
  window.addEventListener("storage", (change) => outbox.hear(change));
  window.addEventListener("beforeunload", (event) => {
    if (outbox.isAtRisk) event.preventDefault();
  });
}

/** From the conversations to the server: up to where I have received and read. @param {ChatSocket} socket @param {Conversations} conversations */
function tellWhatIsRead(socket, conversations) {
  const receipts = new Receipts((kind, pointer) => socket.emit(kind, pointer));
  on(conversations, "received", ({conversation, seq}) => receipts.owe("received", conversation.withUserId, seq));
  on(conversations, "read", ({conversation, seq}) => receipts.owe("read", conversation.withUserId, seq));
}

/** From the elements to the models and the socket. @param {ChatSocket} socket @param {Conversations} conversations @param {Outbox} outbox @param {Typing} typing */
function ask(socket, conversations, outbox, typing) {
  on(composer, "send-message", ({text}) => {
    const conversation = /** @type {Conversation} */ (conversations.opened);
    conversation.draft = "";
    conversation.newFrom = 0;
    typing.sent(conversation.withUserId);
    outbox.write(conversation.withUserId, text);
    messages.toNewest();
  });
  on(composer, "draft", ({text}) => {
    const conversation = /** @type {Conversation} */ (conversations.opened);
    conversation.draft = text;
    const {withUserId} = conversation;
    if (text.trim() && typing.isDue(withUserId)) socket.send("typing", {toUserId: withUserId});
  });
  on(messages, "seen", ({seq}) => conversations.see(seq));
  on(messages, "copy-message", async ({message}) => {
    const isCopied = await toClipboard(message.text);
    part(document, "#announcer", HTMLElement).textContent = say(isCopied ? "message.copied" : "message.notCopied");
  });
  on(messages, "try-again", ({message}) => outbox.again(message.clientId));
  on(messages, "discard", ({message}) => outbox.discard(message.clientId));
  on(status, "reconnect", () => socket.reconnect());
}

/**
 * The address bar says which conversation is open, so that back and forward work; `?with=bob` is a link to one.
 * @param {Conversations} conversations @param {History} history @param {string} me
 */
function follow(conversations, history, me) {
  const isOpened = (/** @type {string} */ name) => isSameName(name, conversations.opened?.withUserId ?? "");
  const openFromAddress = () => {
    const name = nameInAddress();
    const isOpen = name !== undefined && isOpened(name);
    if (!isOpen) conversations.open(name === undefined || isSameName(name, me) ? undefined : name);
  };
  const converse = (/** @type {string} */ userId) => {
    conversations.open(userId); // at once: what is typed from here on goes into its field
    location.hash = encodeURIComponent(userId);
  };
  const linked = new URLSearchParams(location.search).get("with");
  if (linked) window.history.replaceState(null, "", `${location.pathname}#${encodeURIComponent(linked)}`);
  for (const element of [nameField, searchBox]) on(element, "converse", ({userId}) => converse(userId));
  on(searchBox, "jump", async ({userId, seq}) => {
    if (!isOpened(userId)) converse(userId);
    const conversation = /** @type {Conversation} */ (conversations.opened);
    await history.around(conversation, seq);
    if (conversation === conversations.opened) messages.jump(seq);
  });
  window.addEventListener("hashchange", openFromAddress);
  openFromAddress();
}

function nameInAddress() {
  try {
    return readName(decodeURIComponent(location.hash.slice(1))).name;
  } catch {
    return undefined; // an address typed by hand need not be well-formed
  }
}
