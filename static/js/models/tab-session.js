// @ts-check
/**
 * Owns who this tab is: the name, its token, and whether it has a password. Leaves asking the server to chat-api.js.
 * Kept in sessionStorage, which each tab has for itself, so that two tabs of one browser can be two people; or, for who
 * is to stay signed in, in localStorage: then all tabs are that person, and leave together.
 */

export const USER_KEY = "chat.userId";
export const TOKEN_KEY = "chat.token";
const HAS_PASSWORD_KEY = "chat.hasPassword";
/** Whom the page around this one named: they are here for as long as that says so. */
const LENT_KEY = "chat.lent";
/** Who was sent away and is to sign in again. */
const AGAIN_KEY = "chat.signInAgain";

export class TabSession {
  #tab;
  #all;
  /** @type {string | null} what the socket showed last */
  #shownToken = null;

  /** @param {import("./safe-storage.js").SafeStorage} tab of this tab alone @param {import("./safe-storage.js").SafeStorage} all of all tabs */
  constructor(tab, all = tab) {
    this.#tab = tab;
    this.#all = all;
  }

  /** Whether it is that of all tabs, and outlives them. */
  get isKept() {
    return this.#tab.getItem(USER_KEY) === null && this.#all.getItem(USER_KEY) !== null;
  }

  /** @returns {string | null} null: nobody is signed in */
  get userId() {
    return this.#storage.getItem(USER_KEY);
  }

  get token() {
    return this.#storage.getItem(TOKEN_KEY);
  }

  set token(token) {
    if (token === null) this.#storage.removeItem(TOKEN_KEY);
    else this.#storage.setItem(TOKEN_KEY, token);
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

  /** @param {Omit<import("../chat-api.js").Session, "expiresAt">} session @param {boolean} [isKept] for all tabs, or for this one; left out: as before */
  store({userId, token, hasPassword}, isKept = this.isKept) {
    if (isKept) this.#tab.removeItem(USER_KEY);
    const storage = isKept ? this.#all : this.#tab;
    storage.setItem(TOKEN_KEY, token);
    storage.setItem(HAS_PASSWORD_KEY, String(hasPassword));
    storage.setItem(USER_KEY, userId); // last: it tells other tabs
  }

  /** Takes whom the page around this one names. @param {{userId: string, token?: string | null}} named */
  borrow({userId, token}) {
    this.store({userId, token: token ?? "", hasPassword: false}, false);
    if (!token) this.token = null;
    this.#tab.setItem(LENT_KEY, userId);
  }

  get isLent() {
    return this.userId !== null && this.#tab.getItem(LENT_KEY) === this.userId;
  }

  clear() {
    const storage = this.#storage;
    this.#tab.removeItem(LENT_KEY);
    for (const key of [USER_KEY, TOKEN_KEY, HAS_PASSWORD_KEY]) storage.removeItem(key);
  }

  /**
   * Whether another tab ended the session of all, or began one, as the storage's `change` tells it.
   * @param {{key: string | null}} change `key` is null where everything was taken away @param {string | null} me who this tab is
   */
  isChangedBy({key}, me) {
    return (key === USER_KEY || key === null) && this.userId !== me;
  }

  /**
   * Ends the session, and remembers whose it was, and why, for the page that is loaded next.
   * @param {string} userId @param {string | undefined} code of the error that said why
   */
  sendAway(userId, code) {
    const {hasPassword} = this;
    this.clear();
    this.noteSentAway(userId, code, hasPassword || code === "name_protected");
  }

  /** Another tab has ended it. @param {string} userId @param {string | undefined} code @param {boolean} hasPassword */
  noteSentAway(userId, code, hasPassword) {
    this.#tab.setItem(AGAIN_KEY, JSON.stringify({userId, code, hasPassword}));
  }

  /** Returns who was sent away, once. @returns {{userId: string, code?: string, hasPassword?: boolean} | null} */
  takeSentAway() {
    const said = this.#tab.getItem(AGAIN_KEY);
    this.#tab.removeItem(AGAIN_KEY);
    return said === null ? null : JSON.parse(said);
  }

  get #storage() {
    return this.#tab.getItem(USER_KEY) === null ? this.#all : this.#tab;
  }
}
