// @ts-check
/**
 * Owns whom the widget speaks for: whom the page around it names, or whom the site has signed in, or else who signed in
 * in the panel. Leaves the connection to others.
 */
import {TOKEN_KEY, USER_KEY} from "../models/tab-session.js";

/** @typedef {{userId: string, token?: string | null}} Session */
/** @typedef {() => Session | null | undefined | Promise<Session | null | undefined>} Ask says who is there, and a token that is good now; nobody: null */

/**
 * @param {URL} base of the chat, with a slash at its end @param {Ask} [ask] of the page around
 * @returns {Promise<{session?: Session, signInUrl?: string, isOfSite?: boolean}>} neither of the first: who opens the panel signs in there
 */
export async function findSession(base, ask) {
  if (ask) return {session: (await ask()) ?? undefined};
  if (base.origin !== location.origin) return {}; // its cookie does not come with a request from here
  const answer = await fetch(new URL("api/session", base), {method: "POST"});
  const said = await answer.json();
  if (answer.ok) return {session: said, isOfSite: true};
  if (answer.status >= 500 || answer.status === 429) throw new Error(said?.error?.code); // the next try may do better
  const {signInUrl} = said?.error?.params ?? {};
  if (signInUrl !== undefined) return {signInUrl, isOfSite: true};
  return {session: storedSession(base)};
}

/** What the page in the panel keeps, as browser-storage.js and tab-session.js do. @param {URL} base @returns {Session | undefined} */
export function storedSession({pathname}) {
  for (const open of [() => sessionStorage, () => localStorage]) {
    try {
      const storage = open();
      const userId = storage.getItem(pathname.slice(1) + USER_KEY);
      if (userId) return {userId, token: storage.getItem(pathname.slice(1) + TOKEN_KEY)};
    } catch {
      // Where cookies are blocked nothing is kept.
    }
  }
}

/** Whether this change of the browser's storage is somebody who signed in at this chat, or left. @param {StorageEvent} change @param {URL} base */
export function isOfSession({key}, {pathname}) {
  return !key || key === pathname.slice(1) + USER_KEY;
}
