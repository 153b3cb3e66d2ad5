// @ts-check
/**
 * Owns what stands in the list of somebody who has no conversation yet: who is here, and `begin` for
 * whoever looks for somebody else. A person is a link to the conversation with them. Leaves who there is to others.
 */
import {language, say} from "../language.js";
import {copy, drawPerson, part, placeRows} from "./parts.js";

/** @typedef {import("../models/people.js").Person} Person */

export class EmptyList extends HTMLElement {
  /** @type {Person[]} */
  #people = [];
  /** @type {Map<string, HTMLElement>} userId -> row; kept, so that a focus stays */
  #rows = new Map();
  /** Only on an open server does everybody see who is here. */
  #isOpen = document.documentElement.dataset.auth === "open";

  connectedCallback() {
    part(this, ".begin", HTMLElement).addEventListener("click", () => this.dispatchEvent(new Event("begin")));
    language.addEventListener("change", () => this.#draw());
    this.#draw();
  }

  /** @param {Person[]} people who is here */
  show(people) {
    this.#people = people;
    this.#draw();
  }

  #draw() {
    part(this, ".who-may", HTMLElement).textContent = say(this.#isOpen ? "empty.open" : "empty.required");
    part(this, ".here", HTMLElement).hidden = !this.#isOpen;
    part(this, ".nobody", HTMLElement).hidden = this.#people.length > 0;
    const rows = this.#people.map((person) => {
      const row = this.#rows.get(person.userId) ?? copy("found-person");
      drawPerson(row, person);
      part(row, "a", HTMLAnchorElement).href = `#${encodeURIComponent(person.userId)}`;
      return row;
    });
    this.#rows = new Map(this.#people.map(({userId}, index) => [userId, rows[index]]));
    placeRows(part(this, "ul", HTMLElement), rows);
  }
}

customElements.define("empty-list", EmptyList);
