// @ts-check
/**
 * Owns the field that searches, and what was found: `look` {wanted} as somebody types, `more` at the end of the
 * results, `converse` {userId} and `jump` {userId, seq} when one is chosen. Leaves finding to others.
 */
import {language, momentOf, say, sayWhole} from "../language.js";
import {excerpt} from "../models/excerpt.js";
import {copy, distanceToEnd, drawName, drawPerson, part} from "./parts.js";

/** @typedef {import("../models/search.js").Findings} Findings */
/** @typedef {import("../chat-api.js").FoundMessage} FoundMessage */

/** So near to its end, in pixels, more is asked for. */
const NEAR_END = 300;

export class SearchBox extends HTMLElement {
  #me = "";
  /** @type {Findings} */
  #findings = {wanted: "", people: [], messages: [], isComplete: true};
  /** A name that somebody may be written to by, though the search did not find it. */
  #newName = "";

  connectedCallback() {
    const input = part(this, "input", HTMLInputElement);
    const results = part(this, ".results", HTMLElement);
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      const {wanted, problem} = this.#findings;
      if (wanted === input.value.trim() && !problem) this.#move(event, 1);
      else this.#look(); // once more, where it failed
    });
    input.addEventListener("input", () => this.#look());
    this.addEventListener("keydown", (event) => {
      if (event.isComposing) return; // the keys are the input method's
      if (event.key === "Escape" && input.value) this.#clear(event);
      if (event.key === "ArrowDown" || event.key === "ArrowUp") this.#move(event, event.key === "ArrowDown" ? 1 : -1);
    });
    part(this, ".clear", HTMLButtonElement).addEventListener("click", (event) => this.#clear(event));
    results.addEventListener("scroll", () => {
      const isNear = distanceToEnd(results) < NEAR_END;
      if (isNear && !this.#findings.isComplete) this.dispatchEvent(new Event("more"));
    });
    language.addEventListener("change", () => this.#draw());
  }

  /** @param {string} me */
  setUser(me) {
    this.#me = me;
  }

  /** @param {Findings} findings @param {string} newName somebody who was not found, and may be written to; "": nobody */
  show(findings, newName) {
    this.#findings = findings;
    this.#newName = newName;
    this.#draw();
  }

  #look() {
    const wanted = part(this, "input", HTMLInputElement).value;
    part(this, ".clear", HTMLElement).hidden = !wanted;
    this.classList.toggle("is-searching", Boolean(wanted.trim()));
    this.dispatchEvent(new CustomEvent("look", {detail: {wanted}}));
  }

  /** @param {Event} event */
  #clear(event) {
    event.preventDefault();
    const input = part(this, "input", HTMLInputElement);
    input.value = "";
    input.focus();
    this.#look();
  }

  /** From the field down through the results, and back. @param {Event} event @param {number} step */
  #move(event, step) {
    const input = part(this, "input", HTMLInputElement);
    const stops = [input, .../** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll(".results a"))];
    const next = stops[stops.indexOf(/** @type {HTMLElement} */ (document.activeElement)) + step];
    if (!next || stops.length === 1) return;
    event.preventDefault();
    next.focus();
  }

  #draw() {
    const {wanted, people, messages, isComplete, problem} = this.#findings;
    part(this, ".people ul", HTMLElement).replaceChildren(...people.map((person) => this.#person(person)));
    part(this, ".people", HTMLElement).hidden = !people.length;
    const newName = this.#newName;
    part(this, ".begin", HTMLElement).replaceChildren(...(newName ? [this.#person({userId: newName}, say("search.write", {name: newName}))] : []));
    const list = part(this, ".messages ul", HTMLElement);
    const isLonger = list.children.length && list.dataset.wanted === wanted;
    const news = messages.slice(isLonger ? list.children.length : 0).map((message) => this.#message(message, wanted));
    if (isLonger) list.append(...news); // what has the focus stays
    else list.replaceChildren(...news);
    list.dataset.wanted = wanted;
    part(this, ".messages", HTMLElement).hidden = !messages.length;
    part(this, ".outcome", HTMLElement).textContent = !wanted ? ""
      : problem ? sayWhole(problem)
      : people.length + messages.length ? say("search.count", {count: `${people.length + messages.length}${isComplete ? "" : "+"}`})
      : say("search.nothing");
  }

  /** @param {import("../models/people.js").Person} person @param {string} [label] what stands there instead of the name */
  #person(person, label = "") {
    const row = copy("found-person");
    drawPerson(row, person);
    if (label) Object.assign(part(row, ".name", HTMLElement), {textContent: label}).removeAttribute("data-user");
    return this.#linked(row, person.userId, "converse", {userId: person.userId});
  }

  /** @param {FoundMessage} message @param {string} wanted */
  #message({withUserId, fromUserId, seq, message, timestamp}, wanted) {
    const row = copy("found-message");
    drawName(part(row, ".name", HTMLElement), withUserId);
    part(row, "time", HTMLElement).textContent = momentOf(new Date(timestamp));
    const preview = part(row, ".preview", HTMLElement);
    const {lead, found, tail} = excerpt(message, wanted);
    const mark = document.createElement("mark");
    mark.textContent = found;
    preview.append(fromUserId === this.#me ? say("list.mine", {text: ""}) : "", lead, mark, tail);
    return this.#linked(row, withUserId, "jump", {userId: withUserId, seq});
  }

  /** @param {HTMLElement} row @param {string} name @param {string} type @param {object} detail */
  #linked(row, name, type, detail) {
    const link = part(row, "a", HTMLAnchorElement);
    link.href = `#${encodeURIComponent(name)}`;
    link.addEventListener("click", (event) => {
      event.preventDefault();
      this.dispatchEvent(new CustomEvent(type, {detail, bubbles: true}));
    });
    return row;
  }
}

customElements.define("search-box", SearchBox);
