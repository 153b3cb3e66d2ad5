// @ts-check
/** Owns where searching meets the page: from the field to the model, from what was found to the elements. */
import {on} from "../on.js";

/** What may be a name, so that it can be offered; the server says whether it is one. */
const LIKE_A_NAME = /^[\p{L}\p{N}\p{M}._@-]{1,64}$/u;

/** @param {import("./models.js").Models} models @param {import("./elements.js").Elements} elements */
export function wireSearch({me, names, search}, {searchBox}) {
  const isOpenServer = document.documentElement.dataset.auth === "open"; // elsewhere nobody has a name that nobody knows
  on(searchBox, "look", ({wanted}) => search.search(wanted));
  on(searchBox, "more", () => search.loadMore());
  on(search, "found", (findings) => {
    const {wanted} = findings;
    const messages = findings.messages.filter((/** @type {{withUserId: string}} */ {withUserId}) => withUserId !== me); // the list has no notes to oneself
    const isNew = isOpenServer && LIKE_A_NAME.test(wanted) && wanted !== me && !findings.people.some((/** @type {{userId: string}} */ {userId}) => userId === wanted);
    searchBox.show({...findings, messages}, isNew ? wanted : "");
  });
  on(search, "told", ({told, keys}) => names.learn(told, keys));
}
