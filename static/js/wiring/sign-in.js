// @ts-check
/** Owns where signing in meets the page: the form asks the server, and whoever is signed in already goes on. */
import {openAccount, openSession} from "../chat-api.js";
import {on} from "../on.js";
import {apiBase} from "./server.js";

/**
 * @param {import("./elements.js").Elements} elements @param {import("../models/tab-session.js").TabSession} session
 * @param {(me: string) => void} start called once somebody is signed in
 */
export function wireSignIn({signIn}, session, start) {
  on(signIn, "sign-in", async ({userId, password, isNew, isKept}) => {
    signIn.busy = true;
    try {
      const opened = await (isNew ? openAccount : openSession)(apiBase, {userId, password});
      session.store(opened, isKept);
      start(opened.userId);
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
  if (userId) start(userId);
  else if (sentAway) signIn.askAgain(sentAway);
}
