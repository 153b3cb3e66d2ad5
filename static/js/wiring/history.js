// @ts-check
/** Owns where fetching meets the page: whoever misses messages asks the history, which tells what went wrong. */
import {on} from "../on.js";

/** @param {import("./models.js").Models} models @param {import("./elements.js").Elements} elements */
export function wireHistory({conversations, history}, {header, dateDialog, messages, list, problems}) {
  on(conversations, "gap", ({conversation}) => history.catchUp(conversation));
  on(conversations, "forget", () => history.forget());
  on(conversations, "unknown", () => history.refresh());
  on(messages, "older", () => conversations.opened && history.loadOlder(conversations.opened));
  on(messages, "around", ({seq}) => conversations.opened && history.loadAround(conversations.opened, seq));
  on(messages, "newer", () => conversations.opened && history.loadNewer(conversations.opened));
  on(messages, "newest", () => conversations.opened && history.loadNewest(conversations.opened));
  on(header, "to-day", () => dateDialog.open());
  on(dateDialog, "day", async ({date}) => {
    const conversation = /** @type {import("../models/conversation.js").Conversation} */ (conversations.opened);
    const seq = await history.loadDay(conversation, date);
    if (conversation !== conversations.opened || seq === undefined) return;
    if (seq) messages.showMessage(seq);
    else messages.scrollToNewest(); // the day is a later one
  });
  on(list, "more", () => history.loadMore());
  on(history, "problem", ({error}) => problems.tell(error));
}
