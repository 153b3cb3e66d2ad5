// @ts-check
/**
 * Owns where the session meets the page: the account gets a password, signs out, or is sent away, and a token that is
 * no good any more is replaced by another one. Leaves what is remembered of it to tab-session.js.
 */
import {allTabs} from "../browser-storage.js";
import {changePassword, closeSession, openAccount} from "../chat-api.js";
import {say} from "../language.js";
import {on} from "../on.js";
import {againMs, apiBase, isOfSite} from "./server.js";

/** @typedef {import("./elements.js").Elements} Elements */
/** @typedef {import("./models.js").Models} Models */

/** The errors that go before such a close: why it comes. */
export const ENDINGS = ["token_expired", "signed_out", "password_changed", "name_protected", "disabled"];
/** The name needs a token, or its session has ended; SIGN_IN of the server's close codes. */
const SIGN_IN = 4501;
/** Who signs out waits no longer for the server: a request on a dead line would take its 15 s. */
const SIGN_OUT_MS = 1000;

/** @param {Models} models @param {Elements} elements */
export function wireSession(models, elements) {
  wirePassword(models, elements);
  wireEnd(models);
  wireSignOut(models, elements);
  if (isOfSite) askWhenLookedAt(models);
  else leaveTogether(models);
}

/** @param {Models} models @param {Elements} elements */
function wirePassword({me, session, tokens}, {accountButton, accountDialog, undoToast}) {
  accountButton.addEventListener("click", () => accountDialog.open(session.hasPassword));
  on(accountDialog, "account", ({oldPassword, newPassword}) => {
    const asked = session.hasPassword
      ? changePassword(apiBase, session.token ?? "", {oldPassword, newPassword})
      : openAccount(apiBase, {userId: me, password: newPassword}, session.token ?? undefined);
    tokens.onItsWay = asked.then((opened) => session.store(opened));
    tokens.onItsWay.then(() => {
      accountDialog.close();
      undoToast.show(say("account.saved"));
    }, (error) => accountDialog.showError(error)).finally(() => (tokens.onItsWay = undefined));
  });
}

/** Asks for what it needs, and says why, where no token is to be had without a person. @param {Models} models */
function wireEnd({me, session, socket, tokens}) {
  /** @type {string | undefined} */
  let why;
  const leave = () => {
    socket.close();
    session.sendAway(me, why);
    location.reload();
  };
  socket.on("error", ({code}) => {
    if (ENDINGS.includes(code)) why = code;
  });
  socket.on("ready", () => (why = undefined));
  socket.on("state", ({name, code}) => name === "ended" && code === SIGN_IN && leave());
  on(tokens, "over", leave);
}

/** @param {Models} models @param {Elements} elements */
function wireSignOut({session, socket}, {chat, signOutButton}) {
  signOutButton.addEventListener("click", async () => {
    const {token} = session;
    chat.hidden = true;
    socket.close();
    session.clear();
    const answered = token && closeSession(apiBase, token).catch(() => undefined); // offline: it expires by itself
    await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, SIGN_OUT_MS))]);
    location.replace(location.pathname + location.search);
  });
}

/** Another one may have signed in on the site, in another tab, since this page was looked at. @param {Models} models */
function askWhenLookedAt({session, tokens}) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const ask = async () => {
    clearTimeout(timer);
    if (document.visibilityState !== "visible" || session.isLent) return;
    try {
      await tokens.ask();
    } catch (error) {
      const why = /** @type {import("../chat-socket.js").ChatError} */ (error);
      if (why.retry !== "never") timer = setTimeout(ask, againMs(why));
    }
  };
  document.addEventListener("visibilitychange", ask);
  window.addEventListener("pageshow", ({persisted}) => persisted && ask());
}

/** Who signs out in one tab has left them all, where all of them are that person. @param {Models} models */
function leaveTogether({me, session, socket}) {
  on(allTabs, "change", (change) => {
    if (!session.isChangedBy(change, me)) return;
    socket.close();
    session.noteSentAway(me, "other_tab", true);
    location.reload();
  });
}
