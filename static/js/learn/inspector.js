// @ts-check
/**
 * Owns the drawer that shows a socket's frames as the server tells of them. Loaded when somebody asks for it, by the pages of
 * /learn and by the chat's, whose language it reads from the page. Leaves the telling to chat/learn/watched.py.
 */
import {texts} from "./texts.js";

/** @typedef {{from: "browser" | "server", at: number, opcode: number, fin: number, size: number, head: string, mask: string, code: number | null, text: string, lost: boolean}} Frame */
/** @typedef {(do_: "watch" | "unwatch") => void} Ask */
/** @typedef {keyof typeof texts} TextKey */

const OPCODES = ["CONTINUATION", "TEXT", "BINARY", "", "", "", "", "", "CLOSE", "PING", "PONG"];
const MOST_ROWS = 300;
const JSON_PARTS = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d+(?:\.\d+)?|true|false|null/g;

/** @type {Drawer | undefined} */
let drawer;

/** Opens it for the chat's own socket, or closes it. @param {import("../chat-socket.js").ChatSocket} socket */
export function inspectSocket(socket) {
  const ask = (/** @type {string} */ what) => socket.send("learn", {do: what});
  toggle(ask, (hear) => {
    const on = /** @type {(type: string, listener: (event: any) => void) => () => void} */ (socket.on.bind(socket));
    const stops = [on("wire", ({frames}) => hear(frames)), on("ready", () => ask("watch"))]; // a new socket is not watched yet
    return () => stops.forEach((stop) => stop());
  });
}

/** Opens it for all sockets of a page of /learn, or closes it. @param {typeof import("./pupil.js")} page */
export function inspectPupils({pupils, wires}) {
  const ask = (/** @type {string} */ what) => {
    wires.areTold = what === "watch";
    for (const pupil of pupils) pupil.say({type: "learn", do: what});
  };
  toggle(ask, (hear) => {
    const listener = (/** @type {Event} */ event) => hear(/** @type {CustomEvent} */ (event).detail.frames);
    wires.addEventListener("wire", listener);
    return () => wires.removeEventListener("wire", listener);
  });
}

/** @param {Ask} ask @param {(hear: (frames: Frame[]) => void) => () => void} listen */
function toggle(ask, listen) {
  if (drawer) {
    drawer.close();
    return;
  }
  const opened = (drawer = new Drawer(() => {
    stop();
    ask("unwatch");
    drawer = undefined;
  }));
  const stop = listen((frames) => opened.hear(frames));
  ask("watch");
}

class Drawer {
  #element = make("section", "wire-drawer");
  #rows = make("ol", "frames");
  #buttons;
  #isPaused = false;
  /** Frames that came while it is paused. @type {Frame[]} */
  #held = [];
  #before = document.activeElement;
  #languages = new MutationObserver(() => this.#draw());

  /** @param {() => void} closed */
  constructor(closed) {
    this.closed = closed;
    loadStyle();
    const head = make("header");
    this.#buttons = ["pause", "clear", "close"].map((name) => {
      const button = /** @type {HTMLButtonElement} */ (make("button", `quiet-button ${name}`));
      button.type = "button";
      return button;
    });
    const [pause, clear, close] = this.#buttons;
    head.append(make("h2"), make("p", "about"), ...this.#buttons);
    const scroller = make("div", "scroller");
    scroller.tabIndex = 0;
    scroller.setAttribute("role", "region");
    scroller.append(make("p", "nothing"), this.#rows);
    this.#element.append(head, scroller);
    pause.addEventListener("click", () => this.#pause());
    clear.addEventListener("click", () => this.#rows.replaceChildren());
    close.addEventListener("click", () => this.close());
    this.#element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close();
    });
    document.body.append(this.#element);
    this.#languages.observe(document.documentElement, {attributeFilter: ["lang"]});
    this.#draw();
    close.focus({preventScroll: true});
  }

  close() {
    this.#languages.disconnect();
    this.#element.remove();
    if (this.#before instanceof HTMLElement) this.#before.focus({preventScroll: true});
    this.closed();
  }

  /** @param {Frame[]} frames */
  hear(frames) {
    if (this.#isPaused) {
      this.#held.push(...frames);
      this.#held.splice(0, this.#held.length - MOST_ROWS);
      this.#draw();
      return;
    }
    const scroller = /** @type {HTMLElement} */ (this.#rows.parentElement);
    const isAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40;
    this.#rows.append(...frames.map(rowOf));
    while (this.#rows.children.length > MOST_ROWS) this.#rows.firstElementChild?.remove();
    if (isAtEnd) scroller.scrollTop = scroller.scrollHeight;
  }

  #pause() {
    this.#isPaused = !this.#isPaused;
    const held = this.#held;
    this.#held = [];
    if (!this.#isPaused) this.hear(held);
    this.#draw();
  }

  /** What is said in words; the rows say theirs when they come. */
  #draw() {
    const set = (/** @type {string} */ selector, /** @type {string} */ text) => {
      for (const element of this.#element.querySelectorAll(selector)) element.textContent = text;
    };
    set("h2", say("wire.title"));
    set(".about", say("wire.about"));
    set(".nothing", say("wire.nothing"));
    set(".pause", this.#isPaused ? say("wire.resume", {count: this.#held.length}) : say("wire.pause"));
    set(".clear", say("wire.clear"));
    set(".close", say("wire.close"));
    this.#element.setAttribute("aria-label", say("wire.title"));
    this.#element.querySelector(".scroller")?.setAttribute("aria-label", say("wire.button"));
  }
}

/** @param {Frame} frame */
function rowOf(frame) {
  const row = make("li", `frame from-${frame.from} is-${OPCODES[frame.opcode]}`);
  const direction = make("span", "direction", frame.from === "browser" ? "↑" : "↓");
  direction.setAttribute("role", "img");
  direction.setAttribute("aria-label", say(`wire.${frame.from}`));
  const details = make("span", "details");
  const facts = [`FIN ${frame.fin}`, say("wire.size", {size: frame.size}), say("wire.head", {head: spaced(frame.head)})];
  facts.push(frame.mask ? say("wire.mask", {mask: spaced(frame.mask)}) : say("wire.noMask"));
  if (frame.lost) facts.push(say("wire.lost"));
  details.textContent = facts.join(" · ");
  const payload = make("code", "payload");
  payload.append(...(frame.code ? [String(frame.code), " ", frame.text] : frame.opcode === 1 ? coloured(frame.text) : [frame.text]));
  row.append(make("span", "at", timeOf(frame.at)), direction, make("span", "opcode", OPCODES[frame.opcode]), details, payload);
  return row;
}

/** JSON, its names, texts and values apart. @param {string} text */
function coloured(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(JSON_PARTS)) {
    const [whole, quoted, colon] = found;
    parts.push(text.slice(end, found.index), make("span", colon ? "name-part" : quoted ? "text-part" : "value-part", whole));
    end = found.index + whole.length;
  }
  return [...parts, text.slice(end)];
}

/** @param {number} at milliseconds since 1970 */
function timeOf(at) {
  return `${new Date(at).toTimeString().slice(0, "00:00:00".length)}.${String(at % 1000).padStart(3, "0")}`;
}

/** @param {string} hex */
function spaced(hex) {
  return (hex.match(/../g) ?? []).join(" ");
}

/** @param {TextKey} key @param {Record<string, string | number>} [values] */
function say(key, values = {}) {
  const code = document.documentElement.lang === "ko" ? "ko" : "en";
  return texts[key][code].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** @param {string} tag @param {string} [className] @param {string} [text] */
function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}

function loadStyle() {
  const href = new URL("../../css/learn-wire.css", import.meta.url).href;
  if (document.querySelector(`link[href="${href}"]`)) return;
  const link = Object.assign(document.createElement("link"), {rel: "stylesheet", href});
  document.head.append(link);
}
