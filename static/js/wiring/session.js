// @ts-check
/**
 * Where the session meets the page: this tab remembers who it is, shows its token, and gets another one when that is
 * no good any more; the account gets a password, signs out, or is sent away.
 */
import {PASSING, changePassword, closeSession, openAccount, openSession} from "../chat-api.js";
import {part} from "../elements/parts.js";
import {on} from "../on.js";

/** In sessionStorage, which each tab has for itself: two tabs of one browser can be two people. */
const USER_KEY = "chat.userId";
export const TOKEN_KEY = "chat.token";
const HAS_PASSWORD_KEY = "chat.hasPassword";
/** Who was sent away and is to sign in again. */
const AGAIN_KEY = "chat.signInAgain";
/** The name needs a token, or its session has ended; SIGN_IN in protocol.py. */
const SIGN_IN = 4501;
const ASK_AGAIN_MS = 5000;

/** @type {string | null} what the socket showed last */
let shownToken = null;

/** Who this tab is, if anybody. */
export function signedInAs() {
  return sessionStorage.getItem(USER_KEY);
}

/** Who was sent away before the page was loaded; asked once. */
export function wasSentAway() {
  const name = sessionStorage.getItem(AGAIN_KEY);
  sessionStorage.removeItem(AGAIN_KEY);
  return name;
}

/** For the socket's `init`. */
export function showToken() {
  shownToken = sessionStorage.getItem(TOKEN_KEY);
  return shownToken ?? undefined;
}

/** Remembers a session in this tab. @param {import("../chat-api.js").Session} session @returns its user */
export function keep({userId, token, hasPassword}) {
  sessionStorage.setItem(USER_KEY, userId);
  sessionStorage.setItem(TOKEN_KEY, token);
  sessionStorage.setItem(HAS_PASSWORD_KEY, String(hasPassword));
  return userId;
}

function forget() {
  for (const key of [USER_KEY, TOKEN_KEY, HAS_PASSWORD_KEY]) sessionStorage.removeItem(key);
}

/**
 * For as long as the page lives.
 * @param {import("../chat-socket.js").ChatSocket} socket @param {string} me @param {URL} apiBase
 * @param {import("../elements/account-dialog.js").AccountDialog} account
 */
export function guard(socket, me, apiBase, account) {
  /** @type {Promise<void> | undefined} a new token is on its way, so a socket that the server closes is to come back */
  let renewing;
  part(document, "#account", HTMLButtonElement).addEventListener("click", () => account.open(sessionStorage.getItem(HAS_PASSWORD_KEY) === "true"));
  on(account, "account", ({oldPassword, newPassword}) => {
    const token = sessionStorage.getItem(TOKEN_KEY) ?? "";
    const hasPassword = sessionStorage.getItem(HAS_PASSWORD_KEY) === "true";
    const asked = hasPassword ? changePassword(apiBase, token, {oldPassword, newPassword}) : openAccount(apiBase, {userId: me, password: newPassword});
    renewing = asked.then((session) => void keep(session));
    renewing.then(() => account.done(), (error) => account.refuse(error)).finally(() => (renewing = undefined));
  });
  let isRenewed = false; // once for each time online: a server that goes on refusing is not asked for ever
  socket.on("ready", () => (isRenewed = false));
  socket.on("state", ({name, code}) => {
    if (name !== "ended" || code !== SIGN_IN || isRenewed) return;
    isRenewed = true;
    const leave = () => {
      forget();
      sessionStorage.setItem(AGAIN_KEY, me);
      location.reload();
    };
    if (renewing) renewing.then(() => socket.reconnect(), leave);
    else if (sessionStorage.getItem(TOKEN_KEY) !== shownToken) socket.reconnect();
    else openSession(apiBase, {userId: me}).then((session) => void (keep(session), socket.reconnect()), (error) => { // a free name only
      if (!PASSING.includes(error.code)) return leave();
      isRenewed = false;
      setTimeout(() => socket.reconnect(), ASK_AGAIN_MS);
    });
  });
  part(document, "#sign-out", HTMLButtonElement).addEventListener("click", async () => {
    const token = sessionStorage.getItem(TOKEN_KEY);
    socket.close();
    forget();
    if (token) await closeSession(apiBase, token).catch(() => undefined); // offline: it expires by itself
    location.replace(location.pathname);
  });
}
