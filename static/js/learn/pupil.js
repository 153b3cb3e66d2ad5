// @ts-check
/** Owns a pupil's socket, bare: a WebSocket, its `init`, and who hears its events. Leaves coming back to those who show it. */
import {findSession, storedSession} from "../widget/session.js";

const {auth, root = "/", step = ""} = document.documentElement.dataset;
const chat = new URL(root, location.href);
const hex = (/** @type {number} */ bytes) => [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** @typedef {{userId: string, token?: string}} Guest */

/** What this page calls itself: the server's toys are each pupil's own. */
export const key = hex(8);
/** Who opened this page from another one of /learn, as that says in the address. */
const again = /^#me=(learn-[0-9a-f]{6})(?::([\w.-]+))?$/.exec(location.hash);
/** Who this page is; undefined: who is to sign in first. @type {Guest | undefined} */
const myself = again ? {userId: again[1], token: again[2]} : await somebody();
export const me = myself?.userId;
/** How another page becomes the same. */
export const asMe = `#me=${me}${myself?.token ? `:${myself.token}` : ""}`;

/** Anybody new: where names are not free, a guest whom the server makes for whoever is signed in. @returns {Promise<Guest | undefined>} */
export async function somebody() {
  if (auth === "open") return {userId: `learn-${hex(3)}`};
  const session = auth === "site" ? (await findSession(chat).catch(() => undefined))?.session : storedSession(chat);
  if (!session?.token) return undefined;
  const answer = await fetch(addressOf("guest"), {method: "POST", headers: {Authorization: `Bearer ${session.token}`}});
  return answer.ok ? answer.json() : undefined;
}

/** The address of something below /learn. @param {string} path @param {Record<string, string | number>} [query] */
export function addressOf(path, query = {}) {
  const url = new URL(`${root}learn/${path}`, location.href);
  url.search = String(new URLSearchParams({key, ...Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]))}));
  return url;
}

export function socketAddress() {
  return asSocket(addressOf("ws", {step}));
}

/** Where every client of this server connects. */
export function plainAddress() {
  return asSocket(new URL(`${root}ws`, location.href));
}

/** @param {URL} url */
function asSocket(url) {
  url.protocol = url.protocol.replace("http", "ws");
  url.hash = "";
  return url;
}

/** What says who this page is; a page that has nobody to be asks its reader to sign in. */
export function introduction(who = myself) {
  const note = /** @type {HTMLElement | null} */ (document.querySelector(".sign-in-first"));
  if (note) note.hidden = who !== undefined;
  return {type: "init", userId: who?.userId, token: who?.token};
}

/** All sockets of the page that are open, for the inspector; it hears their frames as events `wire`. @type {Set<Pupil>} */
export const pupils = new Set();
export const wires = Object.assign(new EventTarget(), {areTold: false});

export class Pupil {
  /** @type {Map<string, (event: any) => void>} ref -> who waits for its answer */
  #waiting = new Map();
  #lastRef = 0;

  /** @param {Record<string, (event: any) => void>} heard event type -> who hears it; `open` and `close` too */
  constructor(heard) {
    this.ws = new WebSocket(socketAddress());
    this.ws.onopen = () => heard.open?.({});
    pupils.add(this);
    this.ws.onclose = ({code, reason}) => {
      pupils.delete(this);
      heard.close?.({code, reason});
    };
    this.ws.onmessage = ({data}) => {
      const event = JSON.parse(data);
      if (event.type === "handshake" && wires.areTold) this.say({type: "learn", do: "watch"});
      if (event.type === "wire") wires.dispatchEvent(new CustomEvent("wire", {detail: event}));
      this.#waiting.get(event.ref)?.(event);
      this.#waiting.delete(event.ref);
      heard[event.type]?.(event);
    };
  }

  /** On a closed socket it is dropped. @param {Record<string, unknown>} event */
  say(event) {
    if (this.ws.readyState === WebSocket.OPEN) this.ws.send(JSON.stringify(event));
  }

  /** Says it, and waits for its one answer. @param {Record<string, unknown>} event @returns {Promise<any>} */
  ask(event) {
    const ref = `r${++this.#lastRef}`;
    return new Promise((resolve) => {
      this.#waiting.set(ref, resolve);
      this.say({...event, ref});
    });
  }

  /** Says who it is. */
  init() {
    this.say(introduction());
  }

  close() {
    this.ws.close();
  }
}
