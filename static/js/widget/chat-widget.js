// @ts-check
/**
 * Owns <chat-widget>: the button in the corner with the number of unread messages, and the banners, on any page of a
 * site. Leaves the chat itself to the page that panel.js shows in a frame. docs/embed.md shows it at work.
 * `make bundle` makes static/js/chat-widget.js of it, which is all that a page loads before the first notification comes
 * or the panel is opened.
 */
import styles from "../../css/widget.css" with {type: "css"};
import {ChatSocket} from "../chat-socket.js";
import {Unread} from "../models/unread.js";
import {make} from "./make.js";
import {showWhenNeeded} from "./notices.js";
import {findSession, isOfSession} from "./session.js";
import {wordsOf} from "./words.js";

const MOST_SHOWN = 99;
/** So long after the server could not say who is there it is asked again. */
const AGAIN_MS = 10_000;

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./session.js").Ask} Ask */

export class ChatWidget extends HTMLElement {
  #root = this.attachShadow({mode: "open"});
  #button = /** @type {HTMLButtonElement} */ (make("button", "open"));
  #count = make("span", "count");
  #news = make("p", "news");
  /** @type {import("./panel.js").Panel | undefined} from its first opening on */
  #panel;
  /** What the panel is told. @type {import("./panel.js").Terms} */
  #terms = {notifies: false};
  #unread = new Unread();
  /** @type {Ask | undefined} */
  #ask;
  /** @type {string | undefined} where the site signs in who is not */
  #signInUrl;
  /** Until it is known who is there. @type {Promise<void> | undefined} */
  #beginning;
  #stop = () => {};
  #isOfSite = false;
  /** @type {string | undefined} who is there */
  #userId;
  /** @type {HTMLElement | null} where the keyboard was before the panel was opened */
  #cameFrom = null;
  #shown = 0;

  /** For a page of another origin, or one that signs in by itself: gives `{userId, token}` of who is there, or null. @param {Ask | undefined} ask */
  set session(ask) {
    this.#ask = ask;
    if (this.isConnected) this.#beginning = this.#begin();
  }

  get session() {
    return this.#ask;
  }

  connectedCallback() {
    if (Object.hasOwn(this, "session")) { // set before this script had come
      const {session} = this;
      delete (/** @type {any} */ (this).session);
      this.#ask = session;
    }
    if (!this.#button.isConnected) this.#build();
    Object.assign(globalThis, {chatWidget: this});
    window.addEventListener("storage", this.#onStorage);
    document.addEventListener("visibilitychange", this.#onLook);
    this.#beginning = this.#begin();
  }

  disconnectedCallback() {
    window.removeEventListener("storage", this.#onStorage);
    document.removeEventListener("visibilitychange", this.#onLook);
    this.#stop();
    this.#panel?.unload();
  }

  /** Opens the panel; with a name, at the conversation with them. @param {string} [userId] */
  async open(userId = this.getAttribute("with") ?? undefined) {
    await this.#beginning;
    if (this.#signInUrl !== undefined) return this.#signIn();
    const from = this.#root.activeElement ?? document.activeElement;
    this.#panel ??= await this.#makePanel();
    if (!this.#panel.isOpen) this.#cameFrom = /** @type {HTMLElement | null} */ (from);
    this.#panel.open(userId);
  }

  close() {
    this.#panel?.close();
  }

  get #words() {
    return wordsOf(this.#language);
  }

  get #language() {
    return /** @type {HTMLElement | null} */ (this.closest("[lang]"))?.lang ?? navigator.language;
  }

  get #base() {
    return new URL(this.getAttribute("server") ?? new URL("../../", import.meta.url), document.baseURI);
  }

  #build() {
    this.#root.adoptedStyleSheets = [styles];
    this.#button.type = "button";
    this.#button.setAttribute("aria-haspopup", "dialog");
    this.#button.append(this.#count);
    this.#button.addEventListener("click", () => (this.#panel?.isOpen ? this.close() : this.open()));
    this.#news.setAttribute("role", "status");
    this.#root.append(this.#button, this.#news);
    this.#root.addEventListener("keydown", (event) => {
      if (/** @type {KeyboardEvent} */ (event).key === "Escape") this.close();
    });
    this.#draw();
  }

  async #makePanel() {
    const {Panel} = await import("./panel.js");
    if (this.#panel) return this.#panel; // somebody was faster
    const panel = new Panel(this.#root, this.#base, this.#words, this.#language);
    panel.setTerms(this.#terms);
    panel.addEventListener("sign-in", () => this.#signIn());
    panel.addEventListener("change", () => {
      this.#draw();
      this.#placeBanners();
      if (panel.isOpen) return;
      const from = this.#cameFrom;
      (from?.isConnected && from !== document.body ? from : this.#button).focus();
    });
    return panel;
  }

  /** Finds out who is there, and connects as them. */
  async #begin() {
    this.#stop();
    let isOver = false;
    this.#stop = () => (isOver = true);
    try {
      const {session, signInUrl, isOfSite = false} = await findSession(this.#base, this.#ask);
      if (isOver) return;
      this.#signInUrl = signInUrl;
      this.#isOfSite = isOfSite;
      this.#userId = session?.userId;
      this.#tellPanel(session ?? null);
      if (session) this.#connect(session);
    } catch {
      if (isOver) return;
      const timer = setTimeout(() => (this.#beginning = this.#begin()), AGAIN_MS);
      this.#stop = () => clearTimeout(timer);
    }
  }

  /** @param {Session} session */
  #connect(session) {
    const {userId} = session;
    const url = new URL("ws", this.#base);
    url.protocol = url.protocol.replace("http", "ws");
    let fresh = session.token;
    const socket = new ChatSocket(url.href, {userId, sync: true, token: async () => {
      const token = fresh ?? (await this.#next(userId));
      fresh = undefined;
      return token ?? undefined;
    }});
    const unread = new Unread();
    this.#unread = unread;
    socket.on("ready", (ready) => {
      socket.send("away"); // who has the panel closed does not look
      unread.applyReady(ready);
    });
    socket.on("chat", (chat) => unread.receive(chat));
    socket.on("receipt", (receipt) => unread.applyReceipt(receipt));
    socket.on("settings", (settings) => unread.applySettings(settings));
    for (const type of /** @type {const} */ (["ready", "chat", "receipt", "settings"])) socket.on(type, () => this.#draw());
    const takeAway = showWhenNeeded(socket, async (heard) => {
      const {showBannersIn} = await import("./banners.js");
      const end = showBannersIn(this.#root, heard, this.#language);
      this.#placeBanners();
      return end;
    });
    this.#stop = () => {
      socket.close();
      takeAway();
      this.#unread = new Unread();
      this.#draw();
    };
    socket.on("state", ({name}) => {
      if (name !== "ended") return;
      this.#stop();
      this.#tellPanel();
    });
  }

  /** Whom the widget hears for; for nobody, the page in the panel shows its notifications itself. @param {Session | null} [session] null: nobody is there; left out: the widget gave up */
  #tellPanel(session) {
    this.#terms = {notifies: !!session, session: this.#ask && session};
    this.#panel?.setTerms(this.#terms);
  }

  /** Nobody sees what lies below a panel that is the whole screen. */
  #placeBanners() {
    const banners = this.#root.querySelector("chat-banners");
    const place = this.#root.querySelector("dialog:modal") ?? this.#root;
    if (banners && banners.parentNode !== place) place.append(banners);
  }

  /** The next token of the same person; another one begins anew. @param {string} userId */
  async #next(userId) {
    const {session} = await findSession(this.#base, this.#ask);
    if (session?.userId === userId) {
      this.#tellPanel(session); // its last one is no good any more
      return session.token;
    }
    this.#beginning = this.#begin();
    throw new Error("no token"); // of theirs: somebody else is there
  }

  async #signIn() {
    // The panel may hear first that nobody is there now.
    const signInUrl = this.#signInUrl ?? (await findSession(this.#base, this.#ask)).signInUrl;
    const address = new URL(signInUrl || this.#base, document.baseURI);
    if (!address.protocol.startsWith("http")) return;
    address.searchParams.set("next", location.href.slice(location.origin.length));
    location.assign(address);
  }

  #draw() {
    const {count} = this.#unread;
    const words = this.#words;
    this.#button.setAttribute("aria-expanded", String(!!this.#panel?.isOpen));
    this.#button.setAttribute("aria-label", count ? words.unread(count) : words.chat);
    this.#count.textContent = count > MOST_SHOWN ? `${MOST_SHOWN}+` : count ? String(count) : "";
    if (count > this.#shown) this.#news.textContent = words.unread(count);
    this.#shown = count;
  }

  /** Somebody may have signed in on the site, or left, in another tab. */
  #onLook = async () => {
    if (document.hidden || !this.#isOfSite) return;
    const found = await findSession(this.#base).catch(() => undefined); // else the next time asks
    if (found && found.session?.userId !== this.#userId) this.#beginning = this.#begin();
  };

  #onStorage = (/** @type {StorageEvent} */ change) => {
    if (!this.#ask && isOfSession(change, this.#base)) this.#beginning = this.#begin();
  };
}

if (!customElements.get("chat-widget")) customElements.define("chat-widget", ChatWidget);
