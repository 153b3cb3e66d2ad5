// @ts-check
/** Owns where the connection meets the page: what the socket hears goes to the conversations, its state to the elements. */
import {part} from "../elements/parts.js";
import {language, say, sayDetail, sayOf} from "../language.js";
import {on} from "../on.js";
import {ENDINGS} from "./session.js";

/** @typedef {import("./elements.js").Elements} Elements */
/** @typedef {import("./models.js").Models} Models */

/** @param {Models} models @param {Elements} elements */
export function wireConnection({socket, conversations, history, typing}, {status, chat, list, banners}) {
  socket.on("open", () => conversations.beginConnection());
  socket.on("ready", (ready) => {
    conversations.applyReady(ready);
    history.sync();
  });
  socket.on("chat", (message) => conversations.receive(message));
  socket.on("receipt", (receipt) => conversations.applyReceipt(receipt));
  socket.on("typing", ({fromUserId}) => typing.receive(fromUserId));
  socket.on("error", (error) => {
    const {code} = error;
    if (ENDINGS.includes(code)) return; // the page goes on with another token, or says why at the sign-in
    banners.show({id: `error.${code}`, level: "error", title: sayOf("error", code), message: sayDetail(error)});
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
