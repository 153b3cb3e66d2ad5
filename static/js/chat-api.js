// @ts-check
/**
 * Owns the requests to the server's JSON API: the token they carry, signing in for one, and once more when it
 * has run out. Leaves to others what the answers mean; docs/protocol.md says what they hold.
 */
import {ChatError} from "./chat-socket.js";

/** @typedef {import("./chat-socket.js").Chat} Chat */
/** @typedef {import("./chat-socket.js").Keys} Keys */

/**
 * @typedef {import("./chat-socket.js").Standing & {lastMessage?: Chat | null}} Overview
 * @typedef {{conversations: Overview[], next: string | null, epoch: string, keys?: Keys}} OverviewPage newest first
 * @typedef {{withUserId: string, seq: number, fromUserId: string, toUserId: string, message: string, timestamp: string, clientId?: string}} FoundMessage
 * @typedef {{messages: FoundMessage[], next: string | null, keys?: Keys}} FoundPage newest first
 * @typedef {import("./models/notifications.js").NoticePage} NoticePage
 * @typedef {import("./models/notifications.js").ChangePage} ChangePage
 * @typedef {{messages: Chat[], lastSeq: number, firstSeq?: number, more: boolean}} MessagePage in order of `seq`; what lies before `firstSeq` was erased; `more`: others lie in the direction asked for
 */

const NO_CONTENT = 204;
const NOT_SIGNED_IN = 401;
/** A request without an answer for this long has failed. */
const ANSWER_SECONDS = 15;

/**
 * @typedef {{userId: string, token: string, expiresAt: string, hasPassword: boolean}} Session
 * @typedef {{userId: string, password?: string}} Credentials
 */

/**
 * Signs in. Where the site says who is there, `userId` is who that has to be; without credentials it is anybody.
 * @param {URL} base @param {Credentials} [credentials] @returns {Promise<Session>}
 */
export function openSession(base, credentials) {
  const address = new URL("session", base);
  return credentials ? send("POST", address, credentials) : request(address, {method: "POST"}).then(read);
}

/**
 * Gives a free name a password, and signs in. The token shows who came with the name first.
 * @param {URL} base @param {Credentials} credentials @param {string} [token] @returns {Promise<Session>}
 */
export function openAccount(base, credentials, token) {
  return send("POST", new URL("accounts", base), credentials, token);
}

/** Gives the next token of the same session. @param {URL} base @param {string} token @returns {Promise<Session>} */
export function renewSession(base, token) {
  return send("POST", new URL("session/renew", base), {}, token);
}

/** Signs out: the token is of no use to anybody any more. It goes on though the page is left. @param {URL} base @param {string} token */
export async function closeSession(base, token) {
  await request(new URL("session", base), {method: "DELETE", keepalive: true, ...bearer(token)});
}

/** @param {URL} base @param {string} token @param {{oldPassword: string, newPassword: string}} passwords @returns {Promise<Session>} */
export function changePassword(base, token, passwords) {
  return send("PUT", new URL("password", base), passwords, token);
}

export class ChatApi {
  #base;
  #userId;
  #session;
  /** @type {Promise<string> | undefined} one sign-in for all requests that wait for it */
  #signingIn;

  #learn;

  /**
   * @param {URL} base where the API is, with a slash at its end @param {string} userId
   * @param {{token: string | null}} session keeps the token
   * @param {(told: any) => void} [learn] called with each answer that was asked for by GET
   */
  constructor(base, userId, session, learn = () => undefined) {
    this.#base = base;
    this.#learn = learn;
    this.#userId = userId;
    this.#session = session;
  }

  /** A page of my conversations. @param {{cursor?: string | null, limit?: number}} [page] @returns {Promise<OverviewPage>} */
  conversations(page = {}) {
    return this.#get("conversations", page);
  }

  /** The conversation with this person, as a page of one. @param {string} withUserId @returns {Promise<Pick<OverviewPage, "conversations" | "keys">>} */
  async conversation(withUserId) {
    const found = await this.#get(`conversations/${encodeURIComponent(withUserId)}`, {});
    return {conversations: [found], keys: found.keys};
  }

  /**
   * Messages with this person: those before or after a `seq`, or since a time, otherwise the newest.
   * @param {string} withUserId @param {{before?: number, after?: number, since?: string, limit?: number}} [page] @returns {Promise<MessagePage>}
   */
  messages(withUserId, page = {}) {
    return this.#get(`conversations/${encodeURIComponent(withUserId)}/messages`, page);
  }

  /** My messages that hold a text. @param {{q: string, cursor?: string | null, limit?: number}} page @returns {Promise<FoundPage>} */
  search(page) {
    return this.#get("search", page);
  }

  /** Names that begin so; `here`: of those who are here. @param {{q?: string, here?: boolean, limit?: number}} page @returns {Promise<{users: import("./models/people.js").Person[], keys?: Keys}>} */
  users(page) {
    return this.#get("users", page);
  }

  /** Whose a name is that somebody typed. @param {string} typed @returns {Promise<{userId: string, keys?: Keys}>} */
  user(typed) {
    return this.#get(`users/${encodeURIComponent(typed)}`, {});
  }

  /** A page of my notifications. @param {{cursor?: string | null, limit?: number}} [page] @returns {Promise<NoticePage>} */
  notifications(page = {}) {
    return this.#get("notifications", page);
  }

  /** What became of my notifications behind a change. @param {{after: number}} page @returns {Promise<ChangePage>} */
  notificationChanges(page) {
    return this.#get("notifications/changes", page);
  }

  /** What I set for a conversation. @param {import("./models/conversation-settings.js").Settings} settings @returns {Promise<void>} */
  putSettings({withUserId, ...settings}) {
    return this.send("PUT", `conversations/${encodeURIComponent(withUserId)}/settings`, settings);
  }

  /** Any request, with or without a body. @param {string} method @param {string} path @param {object} [what] @returns {Promise<any>} */
  send(method, path, what) {
    const body = what && {headers: {"Content-Type": "application/json"}, body: JSON.stringify(what)};
    return this.#ask(new URL(path, this.#base), {method, ...body});
  }

  /** @param {string} path @param {Record<string, string | number | boolean | null | undefined>} query */
  async #get(path, query) {
    const address = new URL(path, this.#base);
    for (const [name, value] of Object.entries(query)) if (value != null) address.searchParams.set(name, String(value));
    const answer = await this.#ask(address, {});
    this.#learn(answer);
    return answer;
  }

  /** As the one who is signed in. @param {URL} address @param {RequestInit} options */
  async #ask(address, options) {
    const ask = (/** @type {string} */ token) => request(address, {...options, headers: {...options.headers, ...bearer(token).headers}});
    const kept = this.#session.token;
    const answer = await ask(kept ?? (await this.#signIn()));
    if (answer.status !== NOT_SIGNED_IN) return read(answer);
    if (kept === this.#session.token) this.#session.token = null;
    return read(await ask(this.#session.token ?? (await this.#signIn())));
  }

  #signIn() {
    this.#signingIn ??= this.#askForToken().finally(() => (this.#signingIn = undefined));
    return this.#signingIn;
  }

  async #askForToken() {
    const {token} = await openSession(this.#base, {userId: this.#userId});
    this.#session.token = token;
    return token;
  }
}

/** @param {string} token */
function bearer(token) {
  return {headers: {Authorization: `Bearer ${token}`}};
}

/** @param {string} method @param {URL} address @param {object} what @param {string} [token] */
async function send(method, address, what, token) {
  const headers = {"Content-Type": "application/json", ...(token ? bearer(token).headers : {})};
  return read(await request(address, {method, headers, body: JSON.stringify(what)}));
}

/** @param {URL} address @param {RequestInit} options */
async function request(address, options) {
  try {
    return await fetch(address, {...options, cache: "no-store", signal: AbortSignal.timeout(ANSWER_SECONDS * 1000)});
  } catch {
    throw new ChatError("connection_lost", "connection_lost");
  }
}

/** @param {Response} answer @returns {Promise<any>} */
async function read(answer) {
  if (answer.status === NO_CONTENT) return undefined;
  const body = await answer.json().catch(() => null);
  if (answer.ok && body) return body;
  const refusal = body?.error ?? {code: "internal", message: `HTTP ${answer.status}`};
  const retryAfter = Number(answer.headers.get("Retry-After")) || undefined;
  throw new ChatError(refusal.code, refusal.message, {...refusal, retryAfter});
}
