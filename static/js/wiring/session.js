// @ts-check
/**
 * Owns where the session meets the page: the account gets a password, signs out, or is sent away, and a token that is
 * no good any more is replaced by another one. Leaves what is remembered of it to tab-session.js.
 */
import {changePassword, closeSession, openAccount, openSession, renewSession} from "../chat-api.js";
import {on} from "../on.js";
import {apiBase} from "./server.js";

/** @typedef {import("./elements.js").Elements} Elements */
/** @typedef {import("./models.js").Models} Models */

/** The errors that go before such a close: why it comes. */
export const ENDINGS = ["token_expired", "signed_out", "password_changed", "name_protected", "disabled"];
/** The name needs a token, or its session has ended; SIGN_IN of the server's close codes. */
const SIGN_IN = 4501;
const ASK_AGAIN_MS = 5000;
/** Another tab that changes the password has the next token of all tabs so soon. */
const OTHER_TAB_MS = 2000;
const RENEW_BEFORE_MS = 60_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1; // a longer one would end at once
/** Who signs out waits no longer for the server: a request on a dead line would take its 15 s. */
const SIGN_OUT_MS = 1000;

/** @param {Models} models @param {Elements} elements */
export function wireSession(models, elements) {
  replaceToken(models, wirePassword(models, elements));
  renewToken(models);
  wireSignOut(models, elements);
  leaveTogether(models);
}

/** @param {Models} models @param {Elements} elements @returns {() => Promise<void> | undefined} a token that is on its way */
function wirePassword({me, session}, {accountButton, accountDialog}) {
  /** @type {Promise<void> | undefined} */
  let renewing;
  accountButton.addEventListener("click", () => accountDialog.open(session.hasPassword));
  on(accountDialog, "account", ({oldPassword, newPassword}) => {
    const asked = session.hasPassword
      ? changePassword(apiBase, session.token ?? "", {oldPassword, newPassword})
      : openAccount(apiBase, {userId: me, password: newPassword}, session.token ?? undefined);
    renewing = asked.then((opened) => session.store(opened));
    renewing.then(() => accountDialog.close(), (error) => accountDialog.showError(error)).finally(() => (renewing = undefined));
  });
  return () => renewing;
}

/** Comes back with another token where the server refused this one. @param {Models} models @param {() => Promise<void> | undefined} renewing */
function replaceToken({me, session, socket}, renewing) {
  let isRenewed = false; // once for each time online: a server that goes on refusing is not asked for ever
  /** @type {string | undefined} */
  let why;
  const leave = () => {
    session.sendAway(me, why);
    location.reload();
  };
  const askAgain = () => {
    isRenewed = false;
    setTimeout(() => socket.reconnect(), ASK_AGAIN_MS);
  };
  const signInAnew = async () => { // works for a name without a password only
    try {
      if (session.isKept) await new Promise((resolve) => setTimeout(resolve, OTHER_TAB_MS));
      if (session.hasNewToken) return socket.reconnect();
      session.store(await openSession(apiBase, {userId: me}));
    } catch (error) {
      const {retry} = /** @type {import("../chat-socket.js").ChatError} */ (error);
      return retry === "never" ? leave() : askAgain();
    }
    socket.reconnect();
  };
  socket.on("error", ({code}) => {
    if (ENDINGS.includes(code)) why = code;
  });
  socket.on("ready", () => {
    isRenewed = false;
    why = undefined;
  });
  socket.on("state", ({name, code}) => {
    if (name !== "ended" || code !== SIGN_IN || isRenewed) return;
    isRenewed = true;
    const onItsWay = renewing();
    if (onItsWay) onItsWay.then(() => socket.reconnect(), leave);
    else if (session.hasNewToken) socket.reconnect();
    else signInAnew();
  });
}

/** Takes the next token of the session before this one ends. @param {Models} models */
function renewToken({session, socket}) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const renew = async () => {
    const opened = await renewSession(apiBase, session.token ?? "").catch(() => undefined); // it ends, and is replaced then
    if (!opened) return;
    session.store(opened);
    socket.introduce();
  };
  socket.on("ready", ({expiresAt, timestamp}) => {
    clearTimeout(timer);
    if (!expiresAt || !timestamp) return;
    const left = Date.parse(expiresAt) - Date.parse(timestamp); // by the server's clock
    timer = setTimeout(renew, Math.min(Math.max(left - RENEW_BEFORE_MS, left / 2), LONGEST_TIMER_MS));
  });
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
    location.replace(location.pathname);
  });
}

/** Who signs out in one tab has left them all, where all of them are that person. @param {Models} models */
function leaveTogether({me, session, socket}) {
  window.addEventListener("storage", (change) => {
    if (!session.isChangedBy(change, me)) return;
    socket.close();
    session.noteSentAway(me, "other_tab");
    location.reload();
  });
}
