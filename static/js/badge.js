// @ts-check
/**
 * Owns the number that a tab shows while nobody looks at it: in its title, and drawn on its icon.
 * Leaves to others what is counted.
 */
import {say} from "./language.js";
import {part} from "./elements/parts.js";

/** The icon's side in pixels: twice what tabs show, for screens with small pixels. */
const ICON_SIZE = 64;
const BADGE_RADIUS = 20;
const BADGE_COLOUR = "#d32f2f";
const MOST_IN_BADGE = 99;

export class Badge {
  #link = part(document, 'link[rel="icon"]', HTMLLinkElement);
  /** The icon as it came, which its badge is drawn on. */
  #plain = {href: this.#link.href, type: this.#link.type};
  #picture = new Image();
  #drawn = "";

  /** @param {number} count 0: no badge */
  show(count) {
    document.title = count ? say("app.title", {count}) : say("app.name");
    const text = count > MOST_IN_BADGE ? `${MOST_IN_BADGE}+` : count ? String(count) : "";
    if (text === this.#drawn) return;
    this.#drawn = text;
    if (text) this.#draw(text);
    else Object.assign(this.#link, this.#plain);
  }

  /** @param {string} text */
  async #draw(text) {
    try {
      if (!this.#picture.src) Object.assign(this.#picture, {width: ICON_SIZE, height: ICON_SIZE, src: this.#plain.href});
      await this.#picture.decode();
    } catch {
      return; // offline before the icon came: the title has the number
    }
    if (text !== this.#drawn) return; // another number came meanwhile
    Object.assign(this.#link, {href: drawBadge(this.#picture, text), type: "image/png"});
  }
}

/** @param {HTMLImageElement} picture @param {string} text @returns {string} a data: address */
function drawBadge(picture, text) {
  const canvas = Object.assign(document.createElement("canvas"), {width: ICON_SIZE, height: ICON_SIZE});
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.drawImage(picture, 0, 0, ICON_SIZE, ICON_SIZE);
  const centre = ICON_SIZE - BADGE_RADIUS;
  pen.fillStyle = BADGE_COLOUR;
  pen.beginPath();
  pen.arc(centre, BADGE_RADIUS, BADGE_RADIUS, 0, 2 * Math.PI);
  pen.fill();
  pen.fillStyle = "#fff";
  pen.font = `bold ${text.length > 2 ? 20 : text.length > 1 ? 26 : 32}px system-ui, sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(text, centre, BADGE_RADIUS + 2);
  return canvas.toDataURL();
}
