// @ts-check
/** Owns what can be done with a message that stands there: the actions that its menu offers, one entry each. Leaves the menu to its element. */
import {toClipboard} from "../elements/clipboard.js";
import {say} from "../language.js";
import {on} from "../on.js";

/** @param {import("./models.js").Models} models @param {import("./elements.js").Elements} elements */
export function wireMessageActions({conversations}, {messages, messageMenu, announcer}) {
  messageMenu.actions = [{text: "message.copy", fits: ({text}) => Boolean(text), act: ({text}) => copy(text)}];
  messageMenu.watch(messages);
  on(conversations, "open", () => messageMenu.close());

  /** @param {string} text */
  async function copy(text) {
    const isCopied = await toClipboard(text);
    announcer.textContent = say(isCopied ? "message.copied" : "message.notCopied");
  }
}
