// @ts-check
/** Owns where beginning to write meets the page: who is here, the dialog of a new message, the link that invites. */
import {toClipboard} from "../elements/clipboard.js";
import {say} from "../language.js";
import {People} from "../models/people.js";
import {on} from "../on.js";

/** @typedef {import("../models/people.js").Person} Person */

const TOLD_MS = 2500;

/** @param {import("./models.js").Models} models @param {import("./elements.js").Elements} elements */
export function wirePeople({me, names, api, attention, conversations, search}, {newButton, nameField, emptyList, inviteButtons, announcer}) {
  const people = new People(api);
  const look = () => people.setWatched(!attention.isAway && (nameField.isOpen || conversations.isEmpty));
  on(people, "change", ({keys}) => {
    names.learn(people.list.map(({userId}) => userId), keys);
    emptyList.show(people.list);
    if (nameField.isOpen) search.suggest(nameField.beginning);
  });
  for (const [target, type] of /** @type {const} */ ([[conversations, "list"], [attention, "change"], [nameField, "toggle"]])) on(target, type, look);
  on(nameField, "beginning", ({beginning}) => search.suggest(beginning));
  on(search, "names", ({beginning, users}) => {
    const others = people.list.filter(({userId}) => !beginning && !users.some((/** @type {Person} */ known) => known.userId === userId));
    nameField.suggest(beginning, [...users, ...others]);
  });
  newButton.addEventListener("click", () => nameField.open());
  on(emptyList, "begin", () => nameField.open());
  for (const button of inviteButtons) {
    button.addEventListener("click", async () => {
      const isCopied = await toClipboard(new URL(`?with=${encodeURIComponent(me)}`, document.baseURI).href);
      announcer.textContent = button.textContent = say(isCopied ? "invite.copied" : "message.notCopied");
      setTimeout(() => (button.textContent = say("invite.copy")), TOLD_MS);
    });
  }
}
