// @ts-check
/**
 * Owns looking for something: waiting until somebody has stopped typing, asking the server, and passing over an
 * answer that comes when something else is wanted already. Leaves showing what was found to others.
 * Events: `found` {wanted, people, messages, isComplete, problem?}; `names` {beginning, users}; before both `told` {told, keys}:
 * names as the server writes them.
 */
import {ChatError} from "../chat-socket.js";

/** @typedef {import("../chat-api.js").ChatApi} ChatApi */
/** @typedef {import("../chat-api.js").FoundMessage} FoundMessage */
/** @typedef {{wanted: string, people: import("./people.js").Person[], messages: FoundMessage[], isComplete: boolean, problem?: ChatError}} Findings */

/** So long after the last letter the server is asked. */
const PAUSE_MS = 150;
const PAGE = 20;
const NAMES = 8;

export class Search extends EventTarget {
  #api;
  /** @type {Findings} */
  #findings = {wanted: "", people: [], messages: [], isComplete: true};
  /** @type {string | null} where the messages go on */
  #next = null;
  #isFetching = false;
  /** @type {Record<string, ReturnType<typeof setTimeout>>} */
  #timers = {};
  #beginning = "";

  /** @param {ChatApi} api */
  constructor(api) {
    super();
    this.#api = api;
  }

  /** Messages that hold this, and people whose names begin so; empty ends the search. @param {string} typed */
  search(typed) {
    const wanted = typed.trim();
    if (wanted === this.#findings.wanted && !this.#findings.problem) return;
    this.#findings = {wanted, people: [], messages: [], isComplete: false};
    this.#next = null;
    this.#debounce("look", wanted, () => this.#fetch());
  }

  /** Further messages. */
  async loadMore() {
    if (this.#next && !this.#isFetching) await this.#fetch();
  }

  /** People whose names begin so; empty: those one has written with. @param {string} typed */
  suggest(typed) {
    const beginning = typed.trim();
    this.#beginning = beginning;
    this.#debounce("suggest", beginning, async () => {
      const users = await this.#usersOf(beginning).catch(() => []); // a courtesy: without it one types the whole name
      if (beginning === this.#beginning) this.#dispatch("names", {beginning, users});
    });
  }

  async #fetch() {
    const findings = this.#findings;
    const {wanted} = findings;
    const isFirst = !findings.messages.length;
    this.#isFetching = true;
    try {
      const [people, page] = await Promise.all([
        isFirst ? this.#usersOf(wanted) : findings.people,
        this.#api.search({q: wanted, cursor: this.#next, limit: PAGE}),
      ]);
      if (findings !== this.#findings) return;
      this.#next = page.next;
      this.#dispatch("told", {told: page.messages.map(({withUserId}) => withUserId), keys: page.keys});
      Object.assign(findings, {people, messages: [...findings.messages, ...page.messages], isComplete: !page.next});
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      findings.problem = error;
      findings.isComplete = true;
    } finally {
      if (findings === this.#findings) this.#isFetching = false;
    }
    if (findings === this.#findings) this.#dispatch("found", findings);
  }

  /** @param {string} beginning */
  async #usersOf(beginning) {
    const {users, keys} = await this.#api.users({q: beginning, limit: NAMES});
    this.#dispatch("told", {told: users.map(({userId}) => userId), keys});
    return users;
  }

  /** @param {string} kind @param {string} text @param {() => Promise<void>} ask */
  #debounce(kind, text, ask) {
    clearTimeout(this.#timers[kind]);
    if (text) this.#timers[kind] = setTimeout(ask, PAUSE_MS);
    else if (kind === "suggest") ask();
    else this.#dispatch("found", this.#findings);
  }

  /** @param {string} type @param {object} detail */
  #dispatch(type, detail) {
    this.dispatchEvent(new CustomEvent(type, {detail}));
  }
}
