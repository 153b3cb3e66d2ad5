// @ts-check
/**
 * Owns what this page and the page around it tell each other, where chat-widget.js shows it in a frame. Leaves what
 * follows to wiring/. Only sites that the server names may frame the page (chat/web/headers.py); of all windows the one
 * around it is heard, and the origin that spoke first. widget/panel.js is the other side.
 * Events: `change`, `open` {userId}, `session` {session}: {userId, token}, or null where nobody is there.
 */

class Host extends EventTarget {
  /** Whether the panel that this page stands in is closed, so that nobody sees it. */
  isClosed = false;
  /** Whether the widget shows the notifications itself. */
  notifies = false;
  #window = window.parent === window ? undefined : window.parent;
  /** @type {string | undefined} */
  #origin;

  constructor() {
    super();
    if (this.#window) window.addEventListener("message", (message) => this.#receive(message));
  }

  /** Whether this page stands in a frame; who is around it has not spoken yet, perhaps. */
  get isAround() {
    return this.#window !== undefined;
  }

  get isThere() {
    return this.#origin !== undefined;
  }

  /** @param {"close" | "sign-in"} type */
  tell(type) {
    if (this.#origin) this.#window?.postMessage({chatPage: type}, this.#origin);
  }

  /** @param {MessageEvent} message */
  #receive({source, origin, data}) {
    if (source !== this.#window || origin !== (this.#origin ?? origin) || !data?.chatWidget) return;
    this.#origin = origin;
    const {chatWidget: type, isOpen, notifies, session, userId} = data;
    if (type === "state") {
      Object.assign(this, {isClosed: !isOpen, notifies: Boolean(notifies)});
      this.dispatchEvent(new Event("change"));
      if (session !== undefined) this.dispatchEvent(new CustomEvent("session", {detail: {session}}));
    } else if (type === "open") this.dispatchEvent(new CustomEvent("open", {detail: {userId: String(userId)}}));
  }
}

export const host = new Host();
