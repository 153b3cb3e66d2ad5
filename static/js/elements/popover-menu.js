// @ts-check
/**
 * Owns a menu behind a button: opening, the keys that go through it, closing. What checks something leaves it open.
 * Leaves what each of its buttons does to whoever listens to that button.
 */
import {part} from "./parts.js";

/** Between the button and its menu, and the menu and the edge of the window, in pixels. */
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

export class PopoverMenu extends HTMLElement {
  connectedCallback() {
    const menu = this.#menu;
    const button = part(this, "[aria-haspopup=menu]", HTMLButtonElement);
    menu.addEventListener("beforetoggle", () => {
      const {left, right, bottom} = button.getBoundingClientRect();
      const place = left > innerWidth / 2 ? {left: "auto", right: `${innerWidth - right}px`} : {left: `${left}px`, right: "auto"};
      Object.assign(menu.style, place, {top: `${bottom + GAP}px`, maxHeight: `${innerHeight - bottom - 2 * GAP}px`});
    });
    // The browser itself closes it on Escape and outside clicks, and takes the focus back to the button.
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

customElements.define("popover-menu", PopoverMenu);
