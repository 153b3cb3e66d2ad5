// @ts-check
/**
 * Owns how people are shown: the name, the picture and the line of each, as the server told them. Asks for those
 * it was not told of, many at once. Leaves drawing them to parts.js. Events: `change` {userIds}.
 */

/**
 * @typedef {{displayName?: string, avatarUrl?: string, subtitle?: string}} Profile
 * @typedef {{withUserId?: string}} WithSomebody
 * @typedef {{userId?: string, conversations?: WithSomebody[], users?: {userId: string}[], messages?: WithSomebody[], profiles?: Record<string, Profile>}} Told an answer, or `ready`
 */

/** So many conversations' users `ready` tells of; READY_PROFILES of chat/limits.py. */
const TOLD = 50;
/** Who is drawn within this time is asked for at once, unless an answer told of them meanwhile; so many at most, as the server has it. */
const GATHER_MS = 150;
const MOST_ASKED = 200;
/** An answer that was made before an event may come so long behind it, and knows less. */
const LATE_MS = 5_000;
/** @type {Profile} */
const NOTHING = {};

export class Profiles extends EventTarget {
  /** Asks the server; without it nobody is asked for. @type {((userIds: string[]) => Promise<Told>) | undefined} */
  find;
  /** @type {Map<string, Profile>} */
  #known = new Map();
  /** @type {Set<string>} */
  #wanted = new Set();
  /** When an event told of somebody. @type {Map<string, number>} */
  #heard = new Map();
  #isGathering = false;

  /** @param {string} userId */
  of(userId) {
    const known = this.#known.get(userId);
    if (!known && userId && this.find) this.#want(userId);
    return known ?? NOTHING;
  }

  /** An answer will tell of them. @param {string} userId */
  expect(userId) {
    if (!this.#known.has(userId)) this.#known.set(userId, NOTHING);
    this.#wanted.delete(userId);
  }

  /** @param {string} userId */
  nameOf(userId) {
    return this.of(userId).displayName ?? userId;
  }

  /** The id, where something else is shown in its place. @param {string} userId */
  idBeside(userId) {
    return this.of(userId).displayName ? userId : "";
  }

  /** Take an event, which is newer than any answer that is under way. @param {{userId: string, profile: Profile}} event */
  hear({userId, profile}) {
    this.#heard.set(userId, Date.now());
    this.learn({profiles: {[userId]: profile}});
  }

  /**
   * Ask again for whoever has no profile, as the page got its socket only now: an event told of it before, perhaps.
   * @param {(userId: string) => boolean} [isUser] whether the server knows the name: one that somebody typed may be none
   */
  askAgain(isUser = () => true) {
    for (const [userId, profile] of this.#known) if (profile === NOTHING && isUser(userId)) this.#want(userId);
  }

  /** @param {Told} told whoever is named in it and has no profile has none */
  learn({userId, conversations = [], users = [], messages = [], profiles = {}}) {
    const named = [userId, ...[...conversations.slice(0, TOLD), ...messages].map(({withUserId}) => withUserId), ...users.map((user) => user.userId)];
    const changed = new Set();
    for (const id of [...named, ...Object.keys(profiles)]) {
      if (id === undefined) continue;
      const isTold = Object.hasOwn(profiles, id);
      if (!isTold && Date.now() - (this.#heard.get(id) ?? -LATE_MS) < LATE_MS) continue;
      const profile = isTold ? profiles[id] : NOTHING;
      if (JSON.stringify(this.#known.get(id) ?? NOTHING) !== JSON.stringify(profile)) changed.add(id);
      this.#known.set(id, profile);
      this.#wanted.delete(id);
    }
    if (changed.size) this.dispatchEvent(new CustomEvent("change", {detail: {userIds: changed}}));
  }

  /** @param {string} userId */
  #want(userId) {
    this.#known.set(userId, NOTHING); // asked for once
    if (!this.#isGathering) setTimeout(() => this.#ask(), GATHER_MS);
    this.#isGathering = true;
    this.#wanted.add(userId);
  }

  async #ask() {
    this.#isGathering = false;
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    for (let from = 0; from < wanted.length; from += MOST_ASKED) {
      const some = wanted.slice(from, from + MOST_ASKED);
      try {
        const {profiles} = /** @type {Told} */ (await this.find?.(some));
        this.learn({profiles});
      } catch {
        for (const userId of some) this.#known.delete(userId); // asked for when somebody looks again
      }
    }
  }
}

/** Those of the page, as `language` is its language. */
export const profiles = new Profiles();
