// @ts-check
/**
 * Owns where the parts of the page meet: what the socket hears goes to the models, what the models tell goes to
 * the elements, what the elements ask goes back. Leaves all the work to them.
 */
import {ChatError, ChatSocket} from "./chat-socket.js";
import {language, say, sayOf} from "./language.js";
import {Conversations} from "./models/conversations.js";
import {readName} from "./models/names.js";
import {Typing} from "./models/typing.js";
import {ConnectionStatus} from "./elements/connection-status.js";
import {ConversationList} from "./elements/conversation-list.js";
import {MessageComposer} from "./elements/message-composer.js";
import {MessageList} from "./elements/message-list.js";
import {NotificationBanner} from "./elements/notification-banner.js";
import {drawFace, part} from "./elements/parts.js";
import "./elements/language-switch.js";
import "./elements/sign-in.js";

/** @typedef {import("./models/conversations.js").Conversation} Conversation */
/** @typedef {import("./models/conversations.js").Message} Message */

/** In sessionStorage, which each tab has for itself: two tabs of one browser can be two people. */
const USER_KEY = "chat.userId";

const signIn = part(document, "sign-in", HTMLElement);
const chatView = part(document, "#chat", HTMLElement);
const conversationView = part(document, "#conversation", HTMLElement);
const list = part(document, "conversation-list", ConversationList);
const messages = part(document, "message-list", MessageList);
const composer = part(document, "message-composer", MessageComposer);
const status = part(document, "connection-status", ConnectionStatus);
const banner = part(document, "notification-banner", NotificationBanner);

signIn.addEventListener("sign-in", (event) => {
  const {userId} = /** @type {CustomEvent} */ (event).detail;
  sessionStorage.setItem(USER_KEY, userId);
  start(userId);
});

const known = sessionStorage.getItem(USER_KEY);
if (known) start(known);

/** Everything from here to signing out, which loads the page anew. @param {string} me */
function start(me) {
  const address = new URL("ws", document.baseURI);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new ChatSocket(address.href, {userId: me});
  const conversations = new Conversations(me);
  const typing = new Typing((userId, isTyping) => conversations.setTyping(userId, isTyping));

  signIn.hidden = true;
  chatView.hidden = false;
  list.introduce(me);

  hear(socket, conversations, typing);
  show(conversations);
  speak(socket, conversations, typing);
  follow(conversations, me);

  part(document, "#sign-out", HTMLButtonElement).addEventListener("click", () => {
    socket.close();
    sessionStorage.removeItem(USER_KEY);
    location.replace(location.pathname);
  });
}

/** From the socket to the models. @param {ChatSocket} socket @param {Conversations} conversations @param {Typing} typing */
function hear(socket, conversations, typing) {
  socket.on("chat", (chat) => conversations.take(chat));
  socket.on("typing", ({fromUserId}) => typing.heard(fromUserId));
  socket.on("notification", (notification) => banner.show(notification));
  socket.on("error", ({code, message}) => banner.show({level: "error", title: sayOf("error", code), message}));
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
    const {opened, unread} = conversations;
    list.show(conversations.list, opened);
    document.title = unread ? say("app.title", {count: unread}) : say("app.name");
    const typing = part(conversationView, ".typing", HTMLElement);
    typing.textContent = opened?.typing ? say("conversation.typing") : "";
  };
  on(conversations, "list", drawList);
  language.addEventListener("change", drawList);
  on(conversations, "open", ({conversation}) => {
    chatView.classList.toggle("has-conversation", Boolean(conversation));
    part(document, "#no-conversation", HTMLElement).hidden = Boolean(conversation);
    conversationView.hidden = !conversation;
    if (!conversation) return;
    part(conversationView, "header .name", HTMLElement).textContent = conversation.withUserId;
    drawFace(part(conversationView, "header .face", HTMLElement), conversation.withUserId);
    messages.show(conversation);
    composer.begin(conversation.draft);
  });
  on(conversations, "message", ({conversation, message}) => {
    if (conversation === conversations.opened) messages.add(message);
    if (message.state !== "received") return;
    part(document, "#announcer", HTMLElement).textContent = say("conversation.heard", {name: conversation.withUserId, text: message.text});
  });
  on(conversations, "update", ({message}) => messages.update(message));
  on(conversations, "remove", ({conversation}) => {
    if (conversation === conversations.opened) messages.show(conversation);
  });
  document.addEventListener("visibilitychange", () => conversations.watch(!document.hidden));
}

/** From the elements to the socket. @param {ChatSocket} socket @param {Conversations} conversations @param {Typing} typing */
function speak(socket, conversations, typing) {
  /** @param {Conversation} conversation @param {string} text */
  const send = async (conversation, text) => {
    const message = conversations.write(conversation, text);
    typing.sent(conversation.withUserId);
    try {
      const ack = await socket.emit("chat", {toUserId: conversation.withUserId, message: text});
      const sentAt = ack.timestamp ? new Date(ack.timestamp) : message.sentAt;
      conversations.settle(conversation, message, {sentAt, state: ack.delivered ? "delivered" : "offline"});
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      const detail = error.message === error.code ? "" : error.message;
      conversations.settle(conversation, message, {state: "failed", problem: {code: error.code, detail}});
    }
  };
  on(composer, "send-message", ({text}) => {
    const conversation = /** @type {Conversation} */ (conversations.opened);
    conversation.draft = "";
    send(conversation, text);
  });
  on(composer, "draft", ({text}) => {
    const conversation = /** @type {Conversation} */ (conversations.opened);
    conversation.draft = text;
    const {withUserId} = conversation;
    if (text.trim() && typing.isDue(withUserId)) socket.send("typing", {toUserId: withUserId});
  });
  on(messages, "try-again", ({message}) => {
    const conversation = /** @type {Conversation} */ (conversations.opened);
    conversations.remove(conversation, message);
    send(conversation, message.text);
  });
  on(status, "reconnect", () => socket.reconnect());
}

/** The address bar says which conversation is open, so that back and forward work. @param {Conversations} conversations @param {string} me */
function follow(conversations, me) {
  const openFromAddress = () => {
    const name = nameInAddress();
    conversations.open(name === me ? undefined : name);
  };
  on(list, "converse", ({userId}) => (location.hash = encodeURIComponent(userId)));
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

/** @param {EventTarget} target @param {string} type @param {(detail: any) => void} listener */
function on(target, type, listener) {
  target.addEventListener(type, (event) => listener(/** @type {CustomEvent} */ (event).detail));
}
