// @ts-check
/** Owns the first step: the same news heard in four ways, each with its requests, bytes and delay. */
import {addressOf, Pupil} from "../pupil.js";
import {find, inEachLanguage, make, say, write} from "../say.js";

const POLL_MS = 1000;
/** "HTTP/1.1 200 OK", an empty line behind the headers, and ": " and a line's end of each. */
const [STATUS_BYTES, HEADER_BYTES, LINE_BYTES] = [17, 4, 2];
const FRAME_BYTES = 2; // around a short message of the server
const SHOWN_MS = 250;

const listen = find("#listen", HTMLButtonElement);
const happen = find("#happen", HTMLButtonElement);
const told = find("#told", HTMLElement);
const utf8 = new TextEncoder();
/** When each piece of news was put on the server, by its number. @type {Map<number, number>} */
const saidAt = new Map();
/** Who begins to listen hears what comes from now on. */
let newest = 0;
/** @type {AbortController | undefined} */
let listening;

class Way {
  #row;
  #counts = {requests: 0, bytes: 0, heard: 0};
  last = newest;

  /** @param {string} name */
  constructor(name) {
    this.#row = find(`tr[data-way=${name}]`, HTMLElement);
    this.add({});
    find(".delay", HTMLElement, this.#row).textContent = "–";
  }

  /** @param {{requests?: number, bytes?: number}} more */
  add({requests = 0, bytes = 0}) {
    this.#counts.requests += requests;
    this.#counts.bytes += bytes;
    for (const [name, count] of Object.entries(this.#counts)) find(`.${name}`, HTMLElement, this.#row).textContent = count.toLocaleString();
    if (!requests && !bytes) return;
    this.#row.classList.add("is-busy");
    setTimeout(() => this.#row.classList.remove("is-busy"), SHOWN_MS);
  }

  /** @param {number} number of the news */
  heard(number) {
    const now = performance.now();
    this.last = number;
    this.#counts.heard++;
    this.add({});
    // The news may be here before the answer to who told it.
    setTimeout(() => (find(".delay", HTMLElement, this.#row).textContent = (now - (saidAt.get(number) ?? now)).toFixed(1)), 50);
  }
}

/** What an answer's head had. @param {Response} response */
function headBytes(response) {
  return [...response.headers].reduce((sum, [name, value]) => sum + name.length + value.length + HEADER_BYTES, STATUS_BYTES + LINE_BYTES);
}

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param {Way} way @param {AbortSignal} signal @param {Record<string, string | number>} query */
async function ask(way, signal, query) {
  const response = await fetch(addressOf("news", {...query, after: way.last}), {signal, cache: "no-store"});
  const text = await response.text();
  if (!response.ok) { // too many wait just now, of a large class
    way.add({requests: 1, bytes: headBytes(response) + utf8.encode(text).length});
    await pause(Number(response.headers.get("Retry-After")) * 1000 || POLL_MS);
    return;
  }
  const {news, requestBytes} = JSON.parse(text);
  way.add({requests: 1, bytes: requestBytes + headBytes(response) + utf8.encode(text).length});
  for (const [number] of news) way.heard(number);
}

/** @param {AbortSignal} signal */
async function poll(signal) {
  const way = new Way("poll");
  while (!signal.aborted) {
    await ask(way, signal, {});
    await pause(POLL_MS);
  }
}

/** @param {AbortSignal} signal */
async function longPoll(signal) {
  const way = new Way("longPoll");
  while (!signal.aborted) await ask(way, signal, {wait: 1});
}

/** By fetch, since an EventSource does not say how many bytes came. @param {AbortSignal} signal */
async function stream(signal) {
  const way = new Way("stream");
  const response = await fetch(addressOf("stream", {after: way.last}), {signal});
  way.add({requests: 1, bytes: headBytes(response)});
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const decoder = new TextDecoder();
  for (let rest = ""; ;) {
    const {done, value} = await reader.read();
    if (done) return;
    way.add({bytes: value.length});
    const events = (rest + decoder.decode(value, {stream: true})).split("\n\n");
    rest = events.pop() ?? "";
    for (const event of events) {
      const begin = /^event: begin\ndata: (\d+)/.exec(event);
      const id = /^id: (\d+)/m.exec(event);
      if (begin) way.add({bytes: Number(begin[1])}); // of the request
      if (id) way.heard(Number(id[1]));
    }
  }
}

/** @param {AbortSignal} signal */
function socket(signal) {
  const way = new Way("socket");
  const pupil = new Pupil({
    open: () => {
      happen.disabled = false;
    },
    handshake: ({requestBytes, answer}) => way.add({requests: 1, bytes: requestBytes + utf8.encode(answer.join("\r\n")).length + HEADER_BYTES}),
    news: (event) => {
      way.add({bytes: FRAME_BYTES + utf8.encode(JSON.stringify(event)).length});
      way.heard(event.number);
    },
  });
  signal.addEventListener("abort", () => pupil.close());
}

listen.addEventListener("click", () => {
  if (listening) {
    listening.abort();
    listening = undefined;
    happen.disabled = true;
  } else {
    const {signal} = (listening = new AbortController());
    for (const way of [poll, longPoll, stream]) way(signal).catch(() => listening?.signal === signal && console.warn("a request failed"));
    socket(signal);
  }
  draw();
});

happen.addEventListener("click", async () => {
  const begun = performance.now();
  const response = await fetch(addressOf("news"), {method: "POST", body: new Date().toISOString()});
  const {number} = await response.json();
  saidAt.set(number, begun);
  newest = number;
  write(told, "push.told", {number});
});

function draw() {
  listen.replaceChildren(make("span", say(listening ? "push.stop" : "push.listen")));
}

inEachLanguage(draw);
