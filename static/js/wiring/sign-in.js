// @ts-check
/**
 * Owns where signing in meets the page: the form asks the server, and whoever is signed in already goes on. On a site that
 * says who is there, the site is asked, each time that the page is loaded.
 */
import {openAccount, openSession} from "../chat-api.js";
import {on} from "../on.js";
import {apiBase} from "./server.js";

/**
 * @param {import("./elements.js").Elements} elements @param {import("../models/tab-session.js").TabSession} session
 * @param {(me: string, session: import("../models/tab-session.js").TabSession) => void} start called once somebody is signed in
 */
export function wireSignIn({signIn}, session, start) {
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
  window.addEventListener("storage", (change) => {
    if (!signIn.hidden && session.isChangedBy(change, null)) location.reload(); // signed in, in another tab
  });
  const {userId} = session;
  const sentAway = session.takeSentAway();
  if (userId) start(userId, session);
  else if (sentAway) signIn.askAgain(sentAway);
}

/** So long until the site is asked again, after it could not be. */
const AGAIN_MS = 3000;

/** @param {import("./elements.js").Elements} elements @param {import("../models/tab-session.js").TabSession} session @param {(me: string, session: import("../models/tab-session.js").TabSession) => void} start */
export async function enterBySite(elements, session, start) {
  const {signIn} = elements;
  try {
    const opened = await openSession(apiBase);
    session.store(opened);
    start(opened.userId, session);
  } catch (thrown) {
    const error = /** @type {import("../chat-socket.js").ChatError} */ (thrown);
    signIn.askOnSite(error);
    const again = () => enterBySite(elements, session, start);
    if (error.retry !== "never") setTimeout(again, (error.retryAfter ?? 0) * 1000 || AGAIN_MS);
    else document.addEventListener("visibilitychange", again, {once: true}); // signed in, in another tab
  }
}
