// @ts-check
/** Owns the beginning: starts the parts of the page, in their order. Leaves how they meet to wiring/, the work to them. */
import {allTabs, thisPage, thisTab} from "./browser-storage.js";
import {TabSession} from "./models/tab-session.js";
import {wireAddress} from "./wiring/address.js";
import {wireAppearance} from "./wiring/appearance.js";
import {wireBlocks} from "./wiring/blocks.js";
import {wireCalendar} from "./wiring/calendar.js";
import {wireComposer} from "./wiring/composer.js";
import {wireConnection} from "./wiring/connection.js";
import {wireConversationSettings} from "./wiring/conversation-settings.js";
import {wireConversations} from "./wiring/conversations.js";
import {wireDrafts} from "./wiring/drafts.js";
import {findElements} from "./wiring/elements.js";
import {wireHistory} from "./wiring/history.js";
import {wireHost} from "./wiring/host.js";
import {wireKeys} from "./wiring/keys.js";
import {wireMessageActions} from "./wiring/message-actions.js";
import {makeModels} from "./wiring/models.js";
import {wireNames} from "./wiring/names.js";
import {wireNotifications} from "./wiring/notifications.js";
import {wireOutbox} from "./wiring/outbox.js";
import {wirePeople} from "./wiring/people.js";
import {wirePresence} from "./wiring/presence.js";
import {wireProfile} from "./wiring/profile.js";
import {wireReceipts} from "./wiring/receipts.js";
import {wireSearch} from "./wiring/search.js";
import {wireSession} from "./wiring/session.js";
import {isOfSite} from "./wiring/server.js";
import {wireSite, wireSignIn} from "./wiring/sign-in.js";
import {wireStorage} from "./wiring/storage.js";

const elements = findElements();
wireAppearance(elements);
if (isOfSite) wireSite(elements, new TabSession(thisPage), start);
else wireSignIn(elements, new TabSession(thisTab, allTabs), start);

/** Everything from here to signing out, which loads the page anew. @param {string} me @param {TabSession} session */
function start(me, session) {
  const models = makeModels(me, session);
  const {signIn, chat, list, nameField, searchBox} = elements;
  signIn.hidden = true;
  chat.hidden = false;
  for (const element of [list, nameField, searchBox]) element.setUser(me);
  wireStorage(elements);
  wireNames(models, elements); // first: all others go by what is learnt there
  wireDrafts(models, elements); // before anybody else hears of an opened conversation, so that it has its draft then
  wirePresence(models);
  wireSearch(models, elements);
  wirePeople(models, elements);
  wireConnection(models, elements);
  wireNotifications(models, elements);
  wireConversations(models, elements);
  wireBlocks(models, elements);
  wireConversationSettings(models, elements);
  wireHistory(models, elements);
  wireOutbox(models, elements);
  wireReceipts(models, elements);
  wireComposer(models, elements);
  wireMessageActions(models, elements);
  wireAddress(models, elements); // opens a conversation, so everybody has to hear of it by now
  wireSession(models, elements);
  wireProfile(models, elements);
  wireCalendar();
  wireHost(elements); // before the keys: Esc is the widget's
  wireKeys(models, elements);
}
