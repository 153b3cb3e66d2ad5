// @ts-check
/**
 * Owns the menu behind one's own face: opening, the keys that go through it, closing. What checks something leaves it
 * open. Leaves what each of its buttons does to whoever listens to that button.
 */
import {part} from "./parts.js";

/** Between the face and its menu, and the menu and the edge of the window, in pixels. */
const GAP = 8;
/** @type {Record<string, (at: number, count: number) => number>} */
const MOVES = {
  ArrowDown: (at, count) => (at + 1) % count,
  ArrowRight: (at, count) => (at + 1) % count,
  ArrowUp: (at, count) => (at + count - 1) % count,
  ArrowLeft: (at, count) => (at + count - 1) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
};

export class MyMenu extends HTMLElement {
  connectedCallback() {
    const menu = this.#menu;
    const button = part(this, ".face", HTMLButtonElement);
    menu.addEventListener("beforetoggle", () => {
      const {left, bottom} = button.getBoundingClientRect();
      Object.assign(menu.style, {left: `${left}px`, top: `${bottom + GAP}px`, maxHeight: `${innerHeight - bottom - 2 * GAP}px`});
    });
    // The browser itself closes it on Escape and outside clicks, and takes the focus back to the face.
    menu.addEventListener("toggle", () => {
      const isOpen = menu.matches(":popover-open");
      button.setAttribute("aria-expanded", String(isOpen));
      if (isOpen) this.#items[0].focus();
    });
    menu.addEventListener("click", ({target}) => {
      if (target instanceof Element && target.closest("[role=menuitem]")) menu.hidePopover(); // first: a dialog may open
    }, {capture: true});
    menu.addEventListener("keydown", (event) => {
      const items = this.#items;
      const move = MOVES[event.key];
      if (event.key === "Tab") menu.hidePopover();
      if (!move) return;
      event.preventDefault();
      items[move(items.indexOf(/** @type {HTMLElement} */ (document.activeElement)), items.length)].focus();
    });
  }

  get #menu() {
    return part(this, "[role=menu]", HTMLElement);
  }

  get #items() {
    return /** @type {HTMLElement[]} */ ([...this.#menu.querySelectorAll("[role^=menuitem]:not([hidden])")]);
  }
}

customElements.define("my-menu", MyMenu);
