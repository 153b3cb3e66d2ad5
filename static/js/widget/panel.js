// @ts-check
/**
 * Owns the panel that shows the chat's page in a frame: a bar with a button that closes it, the frame, and what the two
 * pages tell each other. host.js is the other side. The frame is heard alone, and from the chat's origin alone.
 * It is loaded when it is opened first. Events: `change` (opened or closed), `sign-in` (the page needs it).
 */
import styles from "../../css/widget-panel.css" with {type: "css"};
import {make} from "./make.js";

/** A panel beside the page would have no room here, so it takes the whole screen; agrees with widget.css. */
const SMALL = "(max-width: 480px), (max-height: 480px)";

/** @typedef {{notifies: boolean, session?: import("./session.js").Session | null}} Terms `session`: whom the page in the frame is to be, null: nobody; left out: it finds out by itself */

export class Panel extends EventTarget {
  element = document.createElement("dialog");
  #base;
  #language;
  /** @type {HTMLIFrameElement | undefined} made when it is opened first */
  #frame;
  #isLoaded = false;
  /** @type {string | undefined} whom to open once the frame is there */
  #wanted;
  /** @type {Terms} */
  #terms = {notifies: false};

  /** @param {ShadowRoot} root where it stands @param {URL} base of the chat @param {import("./words.js").Words} words @param {string} language */
  constructor(root, base, words, language) {
    super();
    root.adoptedStyleSheets.push(styles);
    root.prepend(this.element); // before the banners, which stand beside it
    this.#base = base;
    this.#language = language;
    const bar = make("div", "bar");
    const name = make("strong", "", words.chat);
    const close = make("button", "close", "✕");
    close.setAttribute("type", "button");
    close.setAttribute("aria-label", words.close);
    close.addEventListener("click", () => this.close());
    bar.append(name, close);
    this.element.setAttribute("aria-label", words.chat);
    this.element.append(bar);
    this.element.addEventListener("close", () => this.#changed());
  }

  get isOpen() {
    return this.element.open;
  }

  /** @param {string} [userId] whose conversation to show */
  open(userId) {
    this.#wanted = userId;
    if (!this.isOpen) {
      if (matchMedia(SMALL).matches) this.element.showModal();
      else this.element.show();
    }
    if (this.#frame) this.#tellWanted();
    else this.#load();
    this.#frame?.focus();
    this.#changed();
  }

  close() {
    this.element.close();
  }

  /** @param {Terms} terms */
  setTerms(terms) {
    this.#terms = terms;
    this.#tellState();
  }

  /** The page in it ends. */
  unload() {
    window.removeEventListener("message", this.#receive);
    this.#frame?.remove();
    this.#frame = undefined;
    this.#isLoaded = false;
    this.close();
  }

  #load() {
    const frame = /** @type {HTMLIFrameElement} */ (make("iframe", ""));
    this.#frame = frame;
    frame.title = this.element.getAttribute("aria-label") ?? "";
    frame.allow = "clipboard-write";
    const address = new URL(this.#base);
    address.searchParams.set("lang", this.#language);
    if (this.#wanted) address.searchParams.set("with", this.#wanted);
    this.#wanted = undefined;
    frame.src = address.href;
    frame.addEventListener("load", () => {
      this.#isLoaded = true;
      this.#tellState();
      this.#tellWanted();
    });
    window.addEventListener("message", this.#receive);
    this.element.append(frame);
  }

  #changed() {
    this.#tellState();
    this.dispatchEvent(new Event("change"));
  }

  #tellState() {
    this.#tell("state", {isOpen: this.isOpen, ...this.#terms});
  }

  #tellWanted() {
    if (!this.#wanted || !this.#isLoaded) return;
    this.#tell("open", {userId: this.#wanted});
    this.#wanted = undefined;
  }

  /** @param {"state" | "open"} type @param {object} fields */
  #tell(type, fields) {
    if (this.#isLoaded) this.#frame?.contentWindow?.postMessage({chatWidget: type, ...fields}, this.#base.origin);
  }

  #receive = (/** @type {MessageEvent} */ {source, origin, data}) => {
    if (!this.#frame || source !== this.#frame.contentWindow || origin !== this.#base.origin) return;
    if (data?.chatPage === "close") this.close();
    else if (data?.chatPage === "sign-in") this.dispatchEvent(new Event("sign-in"));
  };
}
