// @ts-check
/**
 * Owns who is here just now, as far as the server tells: asked for while somebody looks at it, and again every few
 * seconds. Leaves who of them one has written with to the conversations. Events: `change` {keys}, of their names.
 */

/** @typedef {{userId: string, presence?: import("./presence.js").Status}} Person */

const REFRESH_MS = 10_000;
const MOST = 50;

export class People extends EventTarget {
  /** @type {Person[]} */
  list = [];
  #api;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @param {import("../chat-api.js").ChatApi} api */
  constructor(api) {
    super();
    this.#api = api;
  }

  /** @param {boolean} isWatched whether somebody looks at who is here */
  setWatched(isWatched) {
    if (isWatched === (this.#timer !== undefined)) return;
    clearInterval(this.#timer);
    this.#timer = isWatched ? setInterval(() => this.#refresh(), REFRESH_MS) : undefined;
    if (isWatched) this.#refresh();
  }

  async #refresh() {
    const answer = await this.#api.users({here: true, limit: MOST}).catch(() => undefined); // the next one may work
    if (!answer) return;
    this.list = answer.users;
    this.dispatchEvent(new CustomEvent("change", {detail: {keys: answer.keys}}));
  }
}
