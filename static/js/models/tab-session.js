// @ts-check
/**
 * Owns who this tab is: the name, its token, and whether it has a password. Leaves asking the server to chat-api.js.
 * Kept in sessionStorage, which each tab has for itself: two tabs of one browser can be two people.
 */

const USER_KEY = "chat.userId";
export const TOKEN_KEY = "chat.token";
const HAS_PASSWORD_KEY = "chat.hasPassword";
/** Who was sent away and is to sign in again. */
const AGAIN_KEY = "chat.signInAgain";

export class TabSession {
  #storage;
  /** @type {string | null} what the socket showed last */
  #shownToken = null;

  /** @param {import("./safe-storage.js").SafeStorage} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /** @returns {string | null} null: nobody is signed in */
  get userId() {
    return this.#storage.getItem(USER_KEY);
  }

  get token() {
    return this.#storage.getItem(TOKEN_KEY);
  }

  get hasPassword() {
    return this.#storage.getItem(HAS_PASSWORD_KEY) === "true";
  }

  /** Whether the token is another one than the socket showed. */
  get hasNewToken() {
    return this.token !== this.#shownToken;
  }

  /** The token, for the socket's `init`. */
  showToken() {
    this.#shownToken = this.token;
    return this.#shownToken ?? undefined;
  }

  /** @param {import("../chat-api.js").Session} session */
  store({userId, token, hasPassword}) {
    this.#storage.setItem(USER_KEY, userId);
    this.#storage.setItem(TOKEN_KEY, token);
    this.#storage.setItem(HAS_PASSWORD_KEY, String(hasPassword));
  }

  clear() {
    for (const key of [USER_KEY, TOKEN_KEY, HAS_PASSWORD_KEY]) this.#storage.removeItem(key);
  }

  /**
   * Ends the session, and remembers whose it was, and why, for the page that is loaded next.
   * @param {string} userId @param {string | undefined} code of the error that said why
   */
  sendAway(userId, code) {
    this.clear();
    this.#storage.setItem(AGAIN_KEY, JSON.stringify({userId, code}));
  }

  /** Returns who was sent away, once. @returns {{userId: string, code?: string} | null} */
  takeSentAway() {
    const said = this.#storage.getItem(AGAIN_KEY);
    this.#storage.removeItem(AGAIN_KEY);
    return said === null ? null : JSON.parse(said);
  }
}
