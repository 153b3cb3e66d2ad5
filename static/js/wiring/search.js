// @ts-check
/** Owns where searching meets the page: from the fields to the model, from what was found to the elements. */
import {Search} from "../models/search.js";
import {on} from "../on.js";

/** @param {import("./models.js").Models} models @param {import("./elements.js").Elements} elements */
export function wireSearch({me, api, names}, {searchBox, nameField}) {
  const search = new Search(api);
  on(searchBox, "look", ({wanted}) => search.search(wanted));
  on(searchBox, "more", () => search.loadMore());
  on(search, "found", (findings) => {
    const messages = findings.messages.filter((/** @type {{withUserId: string}} */ {withUserId}) => withUserId !== me); // the list has no notes to oneself
    searchBox.show({...findings, messages});
  });
  on(nameField, "beginning", ({beginning}) => search.suggest(beginning));
  on(search, "names", ({beginning, names: found}) => nameField.suggest(beginning, found));
  on(search, "told", ({told, keys}) => names.learn(told, keys));
}
