// @ts-check
/**
 * Owns which token the socket shows, and where another one comes from when that one ends or is refused. Leaves asking
 * the server to others, and what is remembered to tab-session.js. Events: `over`: there is none without a person.
 */

/** Another tab that changes the password of all has its next token so soon. */
const OTHER_TAB_MS = 2000;

/** @typedef {import("../chat-api.js").Session} Session */

export class Tokens extends EventTarget {
  /** @type {Promise<unknown> | undefined} a token that is on its way, as the password is being changed */
  onItsWay;
  #session;
  #renew;
  #signIn;

  /**
   * @param {import("./tab-session.js").TabSession} session
   * @param {{renew?: (token: string) => Promise<Session>, signIn: () => Promise<Session>}} ask `renew` is left out where the site is asked each time; else `signIn` works for a name without a password only
   */
  constructor(session, {renew, signIn}) {
    super();
    this.#session = session;
    this.#renew = renew;
    this.#signIn = signIn;
  }

  /** For the socket's `init`. @param {import("../chat-socket.js").Why} why @returns {Promise<string | undefined>} rejected where the next try may do better */
  async give(why) {
    await this.onItsWay?.catch(() => {}); // who changes the password is told
    const session = this.#session;
    if (why === "ends" && this.#renew && !session.hasNewToken) session.store(await this.#renew(session.token ?? ""));
    else if (why === "refused" || why === "ends") await this.#replace();
    return session.showToken();
  }

  async #replace() {
    const session = this.#session;
    if (session.isKept && !session.hasNewToken) await new Promise((resolve) => setTimeout(resolve, OTHER_TAB_MS));
    if (!session.hasNewToken) await this.ask();
  }

  /** Asks for another one now, and so whether it is still the same person who is there. Rejected as `give`. */
  async ask() {
    try {
      this.#session.store(await this.#signIn());
    } catch (error) {
      if (/** @type {import("../chat-socket.js").ChatError} */ (error).retry === "never") this.dispatchEvent(new Event("over"));
      throw error;
    }
  }
}
