// @ts-check
/** Owns where searching meets the page: from the fields to the model, from what was found to the elements. */
import {Search} from "../models/search.js";
import {isSameName} from "../models/names.js";
import {on} from "../on.js";

/** @param {import("./models.js").Models} models @param {import("./elements.js").Elements} elements */
export function wireSearch({me, api, conversations}, {searchBox, nameField}) {
  const search = new Search(api);
  on(searchBox, "look", ({wanted}) => search.search(wanted));
  on(searchBox, "more", () => search.loadMore());
  on(search, "found", (findings) => {
    const known = conversations.list.map(({withUserId}) => withUserId).filter((name) => holds(name, findings.wanted));
    const names = [...known, ...findings.names.filter((/** @type {string} */ name) => !known.includes(name))];
    const messages = findings.messages.filter((/** @type {{withUserId: string}} */ {withUserId}) => !isSameName(withUserId, me)); // the list has no notes to oneself
    searchBox.show({...findings, messages, names: findings.wanted ? names.filter((name) => !isSameName(name, me)) : []});
  });
  on(nameField, "beginning", ({beginning}) => search.suggest(beginning));
  on(search, "names", ({beginning, names}) => nameField.suggest(beginning, names));
}

/** @param {string} name @param {string} wanted */
function holds(name, wanted) {
  return name.toLocaleLowerCase().includes(wanted.toLocaleLowerCase());
}
