// @ts-check
/**
 * Owns the list of conversations: `more` when somebody scrolls to its end. Leaves opening one to its link (#name),
 * and what is in it to the model.
 */
import {language, momentInList, say} from "../language.js";
import {ConversationSettings} from "../models/conversation-settings.js";
import {EmptyList} from "./empty-list.js";
import {copy, distanceToEnd, drawFace, drawName, drawPresence, part, placeRows} from "./parts.js";

/** @typedef {import("../models/conversation.js").Conversation} Conversation */

/** So near to its end, in pixels, more of the list is asked for. */
const NEAR_END = 300;
/** So many rows it draws at once: the rest has the next frames. What is on top comes first. */
const ROWS_AT_ONCE = 60;

export class ConversationList extends HTMLElement {
  /** @type {Conversation[]} */
  #conversations = [];
  /** Whether the hidden ones stand below the others. */
  #showsHidden = false;
  /** @type {Conversation | undefined} */
  #opened;
  /** @type {Map<string, HTMLElement>} the other's userId -> row */
  #rows = new Map();
  #hasRest = false;
  /** Rows, this time. */
  #drawn = 0;
  /** What I have set for each. */
  settings = new ConversationSettings();

  connectedCallback() {
    const nav = part(this, "nav", HTMLElement);
    nav.addEventListener("scroll", () => {
      if (distanceToEnd(nav) < NEAR_END) this.dispatchEvent(new Event("more"));
    });
    this.addEventListener("keydown", (event) => this.#moveByArrow(event, nav));
    this.#hiddenButton.addEventListener("click", () => {
      this.#showsHidden = !this.#showsHidden;
      this.#draw();
    });
    language.addEventListener("change", () => this.#draw());
  }

  /** @param {string} me */
  setUser(me) {
    drawName(part(this, ".me .name", HTMLElement), me);
    drawFace(part(this, "#my-face", HTMLElement), me);
  }

  /** @param {Conversation[]} conversations @param {Conversation} [opened] @param {boolean} [isEmpty] whether there really is none */
  show(conversations, opened, isEmpty = false) {
    const empty = part(this, "empty-list", EmptyList);
    if (!isEmpty && !empty.hidden) empty.show([]);
    empty.hidden = !isEmpty;
    this.#conversations = conversations;
    this.#opened = opened;
    this.#draw();
  }

  /** Through the rows, and down to them from the empty field above. @param {KeyboardEvent} event @param {HTMLElement} nav */
  #moveByArrow(event, nav) {
    const {key, target, altKey, ctrlKey, metaKey} = event;
    const links = /** @type {HTMLElement[]} */ ([...nav.querySelectorAll("li a")]);
    const at = links.indexOf(/** @type {HTMLElement} */ (target));
    const isAbove = target instanceof HTMLInputElement && !target.value && key === "ArrowDown";
    const next = {ArrowUp: links[at - 1], ArrowDown: links[at + 1], Home: links[0], End: links.at(-1)}[key];
    if (!next || (at < 0 && !isAbove) || altKey || ctrlKey || metaKey) return;
    event.preventDefault();
    next.focus();
  }

  #draw() {
    const list = part(this, "nav ul", HTMLUListElement);
    this.#drawn = 0;
    /** @type {HTMLElement[]} */
    const rows = [];
    let isOver = false;
    const hides = (/** @type {Conversation} */ one) => one !== this.#opened && this.settings.hides(one);
    const hidden = this.#conversations.filter(hides);
    const listed = hidden.length ? this.#conversations.filter((one) => !hides(one)) : this.#conversations;
    for (const conversation of this.#showsHidden ? [...listed, ...hidden] : listed) {
      const row = isOver ? this.#rows.get(conversation.withUserId) : this.#row(conversation);
      if (row) rows.push(row); // what is not drawn yet has its turn with the rest
      isOver ||= this.#drawn >= ROWS_AT_ONCE;
    }
    if (isOver && !this.#hasRest) requestAnimationFrame(() => {
      this.#hasRest = false;
      this.#draw();
    });
    this.#hasRest ||= isOver;
    this.#drawHidden(hidden.length, listed.length);
    const focused = document.activeElement;
    placeRows(list, rows);
    if (focused instanceof HTMLElement && focused !== document.activeElement && list.contains(focused)) focused.focus(); // moving it takes it away
  }

  /** @param {number} count @param {number} others */
  #drawHidden(count, others) {
    this.#hiddenButton.hidden = !count;
    this.#hiddenButton.textContent = say("list.showHidden", {count});
    this.#hiddenButton.ariaExpanded = String(this.#showsHidden);
    part(this, ".all-hidden", HTMLElement).hidden = !count || others > 0;
  }

  get #hiddenButton() {
    return part(this, ".show-hidden", HTMLButtonElement);
  }

  /** @param {Conversation} conversation */
  #row(conversation) {
    const {withUserId, unread, typing, last, presence} = conversation;
    const {muted, markedUnread} = this.settings.of(withUserId);
    const row = this.#rows.get(withUserId) ?? this.#newRow(withUserId);
    const isOpen = conversation === this.#opened;
    const drawn = [language.code, new Date().toDateString(), typing, presence, unread, muted, markedUnread, isOpen, last?.mine, last?.sentAt.getTime(), last?.text].join("\n");
    if (row.dataset.drawn === drawn) return row;
    row.dataset.drawn = drawn;
    this.#drawn += 1;
    const text = last && (last.text || say("message.erased"));
    const preview = last?.mine ? say("list.mine", {text: text ?? ""}) : text ?? say("list.noMessage");
    part(row, ".preview", HTMLElement).textContent = typing ? say("conversation.typing") : preview;
    part(row, ".preview", HTMLElement).classList.toggle("is-typing", typing);
    part(row, "time", HTMLElement).textContent = last ? momentInList(last.sentAt) : "";
    drawPresence(row, presence);
    row.classList.toggle("is-unread", unread > 0 || markedUnread);
    row.classList.toggle("is-muted", muted);
    const sign = part(row, ".muted", Element);
    sign.toggleAttribute("hidden", !muted);
    sign.setAttribute("aria-label", say("conversation.muted"));
    const badge = part(row, ".badge", HTMLElement);
    badge.hidden = unread === 0 && !markedUnread;
    part(badge, ".count", HTMLElement).textContent = unread > 99 ? "99+" : unread ? String(unread) : "";
    part(badge, ".visually-hidden", HTMLElement).textContent = unread ? say("list.unread", {count: unread}) : say("list.markedUnread");
    part(row, "a", HTMLAnchorElement).ariaCurrent = isOpen ? "page" : null;
    return row;
  }

  /** @param {string} withUserId */
  #newRow(withUserId) {
    const row = copy("conversation-row");
    part(row, "a", HTMLAnchorElement).href = `#${encodeURIComponent(withUserId)}`;
    drawName(part(row, ".name", HTMLElement), withUserId);
    drawFace(part(row, ".face", HTMLElement), withUserId);
    this.#rows.set(withUserId, row);
    return row;
  }
}

customElements.define("conversation-list", ConversationList);
