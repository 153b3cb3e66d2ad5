// @ts-check
/** Where searching meets the page: from the fields to the model, from what was found to the elements. */
import {Search} from "../models/search.js";
import {isSameName} from "../models/names.js";
import {on} from "../on.js";

/**
 * @param {string} me @param {import("../chat-api.js").ChatApi} api
 * @param {import("../models/conversations.js").Conversations} conversations
 * @param {import("../elements/search-box.js").SearchBox} box @param {import("../elements/name-field.js").NameField} field
 */
export function search(me, api, conversations, box, field) {
  const search = new Search(api);
  on(box, "look", ({wanted}) => search.look(wanted));
  on(box, "more", () => search.more());
  on(search, "found", (findings) => {
    const known = conversations.list.map(({withUserId}) => withUserId).filter((name) => holds(name, findings.wanted));
    const names = [...known, ...findings.names.filter((/** @type {string} */ name) => !known.includes(name))];
    const messages = findings.messages.filter((/** @type {{withUserId: string}} */ {withUserId}) => !isSameName(withUserId, me)); // the list has no notes to oneself
    box.show({...findings, messages, names: findings.wanted ? names.filter((name) => !isSameName(name, me)) : []});
  });
  on(field, "beginning", ({beginning}) => search.suggest(beginning));
  on(search, "names", ({beginning, names}) => field.suggest(beginning, names));
}

/** @param {string} name @param {string} wanted */
function holds(name, wanted) {
  return name.toLocaleLowerCase().includes(wanted.toLocaleLowerCase());
}
