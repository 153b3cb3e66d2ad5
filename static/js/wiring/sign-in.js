// @ts-check
/**
 * Owns where signing in meets the page: the form asks the server, and whoever is signed in already goes on. On a site that
 * says who is there, the site is asked, each time that the page is loaded.
 */
import {openAccount, openSession} from "../chat-api.js";
import {allTabs} from "../browser-storage.js";
import {host} from "../host.js";
import {on} from "../on.js";
import {againMs, apiBase} from "./server.js";

/** @typedef {import("./elements.js").Elements} Elements */
/** @typedef {import("../models/tab-session.js").TabSession} TabSession */
/** @typedef {(me: string, session: TabSession) => void} Start called once somebody is signed in */

/** @param {Elements} elements @param {TabSession} session @param {Start} start */
export function wireSignIn({signIn, chat}, session, start) {
  on(signIn, "sign-in", async ({userId, password, isNew, isKept}) => {
    signIn.busy = true;
    try {
      const opened = await (isNew ? openAccount : openSession)(apiBase, {userId, password});
      session.store(opened, isKept);
      start(opened.userId, session);
    } catch (error) {
      signIn.showError(/** @type {import("../chat-socket.js").ChatError} */ (error));
    } finally {
      signIn.busy = false;
    }
  });
  on(allTabs, "change", (change) => {
    if (!signIn.hidden && session.isChangedBy(change, null)) location.reload(); // signed in, in another tab
  });
  takeFromHost(chat, session, start);
  const userId = session.isLent && host.isAround ? null : session.userId; // whom that lends, it says again
  const sentAway = session.takeSentAway();
  if (userId) start(userId, session);
  else if (sentAway) signIn.askAgain(sentAway);
}

/** The page around this one says who is there. @param {HTMLElement} chat @param {TabSession} session @param {Start} start */
function takeFromHost(chat, session, start) {
  on(host, "session", ({session: named}) => {
    const before = session.userId;
    if (named) session.borrow(named);
    else if (session.isLent) session.clear();
    if (chat.hidden && named) start(named.userId, session);
    else if (!chat.hidden && session.userId !== before) location.reload();
  });
}

/** @param {Elements} elements @param {TabSession} session @param {Start} start */
export function wireSite(elements, session, start) {
  takeFromHost(elements.chat, session, start);
  elements.signIn.addEventListener("go-to-site", (event) => {
    if (!host.isThere) return;
    event.preventDefault(); // not in the frame: the page around it goes there
    host.tell("sign-in");
  });
  enterBySite(elements, session, start);
}

/** @param {Elements} elements @param {TabSession} session @param {Start} start */
async function enterBySite(elements, session, start) {
  const {signIn, chat} = elements;
  try {
    const opened = await openSession(apiBase);
    if (!chat.hidden) return; // the page around this one was faster
    session.store(opened);
    start(opened.userId, session);
  } catch (thrown) {
    if (!chat.hidden) return;
    const error = /** @type {import("../chat-socket.js").ChatError} */ (thrown);
    signIn.askOnSite(error);
    const again = () => enterBySite(elements, session, start);
    if (error.retry !== "never") setTimeout(again, againMs(error));
    else document.addEventListener("visibilitychange", again, {once: true}); // signed in, in another tab
  }
}
