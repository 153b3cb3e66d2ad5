// @ts-check
/** Owns where the connection meets the page: what the socket hears goes to the conversations, its state to the elements. */
import {part} from "../elements/parts.js";
import {ChatError} from "../chat-socket.js";
import {language, say} from "../language.js";
import {on} from "../on.js";
import {ENDINGS} from "./session.js";

/** @typedef {import("./elements.js").Elements} Elements */
/** @typedef {import("./models.js").Models} Models */

/** @param {Models} models @param {Elements} elements */
export function wireConnection({socket, conversations, history, typing}, {status, chat, list, problems}) {
  socket.on("open", () => conversations.beginConnection());
  socket.on("ready", (ready) => {
    conversations.applyReady(ready);
    history.sync();
  });
  socket.on("chat", (message) => conversations.receive(message));
  socket.on("receipt", (receipt) => conversations.applyReceipt(receipt));
  socket.on("typing", ({fromUserId}) => typing.receive(fromUserId));
  socket.on("error", (error) => {
    const {code, message} = error;
    if (!ENDINGS.includes(code)) problems.tell(new ChatError(code, message, error)); // else it is said at the sign-in, if at all
  });
  on(status, "reconnect", () => socket.reconnect());
  const showState = () => {
    const {name} = socket.state;
    status.show(socket.state);
    chat.dataset.connection = name;
    part(list, ".connection", HTMLElement).textContent = name === "closed" ? "" : say(`connection.${name}`);
  };
  socket.on("state", showState);
  language.addEventListener("change", showState);
  showState();
}
