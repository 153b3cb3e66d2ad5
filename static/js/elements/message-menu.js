// @ts-check
/**
 * Owns the menu of a message: opened by its button, a right click, a long press or a key; gone through by the arrows.
 * Leaves what it offers to wiring/message-actions.js, which gives the list of actions.
 */
import {say} from "../language.js";
import {part} from "./parts.js";

/** @typedef {import("../models/conversation.js").Message} Message */
/** @typedef {{text: import("../language.js").TextKey, fits: (message: Message) => boolean, act: (message: Message) => unknown}} Action */

/** Shorter than browsers take it for, which then take the touch away. */
const LONG_PRESS_MS = 400;
/** A finger that moved further, in pixels, scrolls. */
const PRESS_MOVES = 10;
/** Between the menu and the edge of the window, in pixels. */
const GAP = 8;

export class MessageMenu extends HTMLElement {
  /** In the order in which they stand there. @type {Action[]} */
  actions = [];
  /** @type {HTMLElement | undefined} the row whose menu is open */
  #row;
  /** @type {Element | null | undefined} what had the focus before a pointer took it to the message */
  #focused;
  /** @type {Element | null} what gets it back */
  #cameFrom = null;

  connectedCallback() {
    this.addEventListener("keydown", (event) => this.#onKey(event));
    this.addEventListener("focusout", ({relatedTarget}) => this.#leave(relatedTarget));
    document.addEventListener("pointerdown", ({target}) => {
      this.#leave(target);
      this.#focused = document.activeElement;
    }, {capture: true});
    document.addEventListener("keydown", () => (this.#focused = undefined), {capture: true});
    for (const type of ["resize", "blur"]) window.addEventListener(type, () => this.close());
  }

  /** Opens over the messages of this list. @param {import("./message-list.js").MessageList} list */
  watch(list) {
    list.addEventListener("click", ({target}) => {
      const button = target instanceof Element ? target.closest(".menu-button") : null;
      const row = button?.closest(".message");
      if (!button || !(row instanceof HTMLElement)) return;
      const {left, bottom} = button.getBoundingClientRect();
      if (row === this.#row) this.close();
      else this.#open(list, row, left, bottom);
    });
    list.addEventListener("contextmenu", (event) => {
      const row = rowOf(event);
      const isOpen = row !== null && row === this.#row; // by a long press, which browsers tell as this too
      if (isOpen || (row && !isSelected(row, event) && this.#open(list, row, event.clientX, event.clientY))) event.preventDefault();
    });
    list.addEventListener("keydown", (event) => {
      const row = event.target;
      if (event.key !== "Enter" || !(row instanceof HTMLElement) || !row.matches(".message")) return;
      const {left, bottom} = part(row, ".bubble", HTMLElement).getBoundingClientRect();
      if (this.#open(list, row, left, bottom)) event.preventDefault();
    });
    onLongPress(list, (event) => {
      const row = rowOf(event);
      if (row) this.#open(list, row, event.clientX, event.clientY);
    });
    list.addEventListener("wheel", () => this.close(), {passive: true});
    // Three hundred buttons are no way to go by Tab: only that of the message one has come to can be reached.
    for (const [type, order] of /** @type {const} */ ([["focusin", 0], ["focusout", -1]])) {
      list.addEventListener(type, ({target}) => {
        const row = target instanceof Element ? target.closest(".message") : null;
        if (row) part(row, ".menu-button", HTMLButtonElement).tabIndex = order;
      });
    }
  }

  close() {
    if (!this.#row) return;
    const hadFocus = this.contains(document.activeElement);
    part(this.#row, ".menu-button", HTMLElement).setAttribute("aria-expanded", "false");
    this.#row = undefined;
    if (hadFocus && this.#cameFrom instanceof HTMLElement) this.#cameFrom.focus({preventScroll: true});
    this.hidePopover();
  }

  /** Its own button closes it by itself. @param {EventTarget | null} target where somebody is now */
  #leave(target) {
    const isButton = target instanceof Element && this.#row?.contains(target.closest(".menu-button"));
    if (!isButton && !this.contains(/** @type {Node | null} */ (target))) this.close();
  }

  /** @param {import("./message-list.js").MessageList} list @param {HTMLElement} row @param {number} x @param {number} y @returns {boolean} whether there is anything to do with it */
  #open(list, row, x, y) {
    const message = list.messageOf(row);
    const offered = message ? this.actions.filter(({fits}) => fits(message)) : [];
    if (!message || !offered.length) return false;
    this.close();
    this.#row = row;
    this.#cameFrom = this.#focused ?? document.activeElement;
    this.replaceChildren(...offered.map((action) => this.#item(action, message)));
    part(row, ".menu-button", HTMLElement).setAttribute("aria-expanded", "true");
    this.showPopover();
    const {width, height} = this.getBoundingClientRect();
    this.style.left = `${Math.max(GAP, Math.min(x, innerWidth - GAP - width))}px`;
    this.style.top = `${Math.max(GAP, Math.min(y, innerHeight - GAP - height))}px`;
    this.#items[0].focus();
    return true;
  }

  /** @param {Action} action @param {Message} message */
  #item({text, act}, message) {
    const item = document.createElement("button");
    Object.assign(item, {type: "button", tabIndex: -1, textContent: say(text)});
    item.setAttribute("role", "menuitem");
    item.addEventListener("click", () => {
      this.close();
      act(message);
    });
    return item;
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const items = this.#items;
    const index = items.findIndex((item) => item === document.activeElement);
    const next = {ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: -1}[event.key];
    if (next !== undefined) items.at(next % items.length)?.focus();
    else if (event.key === "Escape" || event.key === "Tab") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  get #items() {
    return [...this.querySelectorAll("button")];
  }
}

/** For an address the browser has a menu of its own. @param {Event} event @returns {HTMLElement | null} */
function rowOf({target}) {
  return target instanceof Element && !target.closest("a") ? target.closest(".message") : null;
}

/** And for what is selected; a finger selects by pressing long. @param {HTMLElement} row @param {Event} event */
function isSelected(row, event) {
  const selection = document.getSelection();
  const isTouch = event instanceof PointerEvent && event.pointerType === "touch";
  return !isTouch && selection?.isCollapsed === false && selection.containsNode(row, true);
}

/** @param {HTMLElement} element @param {(event: PointerEvent) => void} act */
function onLongPress(element, act) {
  /** @type {PointerEvent | undefined} */
  let pressed;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isLong = false;
  const stop = () => clearTimeout(timer);
  element.addEventListener("pointerdown", (event) => {
    stop();
    isLong = false;
    if (event.pointerType !== "touch" || !event.isPrimary) return;
    pressed = event;
    timer = setTimeout(() => {
      isLong = true;
      act(event);
    }, LONG_PRESS_MS);
  });
  // No click follows, which would take the focus away again.
  element.addEventListener("touchend", (event) => isLong && event.preventDefault());
  element.addEventListener("pointermove", ({clientX, clientY}) => {
    if (pressed && Math.hypot(clientX - pressed.clientX, clientY - pressed.clientY) > PRESS_MOVES) stop();
  });
  for (const type of ["pointerup", "pointercancel"]) element.addEventListener(type, stop);
}

customElements.define("message-menu", MessageMenu);
