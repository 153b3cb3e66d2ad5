// @ts-check
/** Owns the dialog that asks for a day of the open conversation: `day` {date}, its first moment here. Leaves going there to others. */
import {part} from "./parts.js";

export class DateDialog extends HTMLElement {
  connectedCallback() {
    part(this, "form", HTMLFormElement).addEventListener("submit", () => { // which closes the dialog
      const [year, month, day] = this.#field.value.split("-").map(Number);
      this.dispatchEvent(new CustomEvent("day", {detail: {date: new Date(year, month - 1, day)}}));
    });
    part(this, ".cancel", HTMLButtonElement).addEventListener("click", () => part(this, "dialog", HTMLDialogElement).close());
  }

  open() {
    const now = new Date();
    const today = [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((number) => String(number).padStart(2, "0")).join("-");
    this.#field.max = today;
    this.#field.value ||= today;
    part(this, "dialog", HTMLDialogElement).showModal();
  }

  get #field() {
    return part(this, "input", HTMLInputElement);
  }
}

customElements.define("date-dialog", DateDialog);
