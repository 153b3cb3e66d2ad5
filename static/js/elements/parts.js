// @ts-check
/**
 * Owns how elements get at the page's markup: a part that must be there, a copy of a <template>, a face.
 * Leaves what goes into them to each element.
 */
import {say} from "../language.js";
import {profiles} from "../models/profiles.js";
import {on} from "../on.js";

/** How many colours chat.css has for faces. */
const HUES = 8;
const LETTERS = new Intl.Segmenter();
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;

/**
 * The one part that the markup promises; a missing one is a mistake in index.html and is told as such.
 * @template {Element} T
 * @param {ParentNode} root @param {string} selector @param {new () => T} kind @returns {T}
 */
export function part(root, selector, kind) {
  const found = root.querySelector(selector);
  if (found instanceof kind) return found;
  throw new Error(`index.html has no ${kind.name} ${selector}`);
}

/** A copy of the one element in a <template>. @param {string} templateId */
export function copy(templateId) {
  const {content} = part(document, `template#${templateId}`, HTMLTemplateElement);
  return /** @type {HTMLElement} */ (document.importNode(content, true).firstElementChild);
}

/** The name that somebody is shown by; written anew when it changes. @param {HTMLElement} name @param {string} userId */
export function drawName(name, userId) {
  name.dataset.user = userId;
  name.textContent = profiles.nameOf(userId);
}

/** Somebody's picture; or the first letter of their name, which chat.css makes a capital, on a colour that is always the same. @param {HTMLElement} face @param {string} userId */
export function drawFace(face, userId) {
  const {avatarUrl, displayName} = profiles.of(userId);
  const first = [...LETTERS.segment(displayName ?? userId)].find(({segment}) => VISIBLE.test(segment));
  const sum = [...userId].reduce((sum, letter) => sum * 31 + (letter.codePointAt(0) ?? 0) % 1009, 7);
  const letter = first?.segment ?? "";
  face.dataset.user = userId;
  face.dataset.hue = String(Math.abs(sum | 0) % HUES);
  if (!avatarUrl) return face.replaceChildren(letter);
  const picture = Object.assign(new Image(), {alt: "", loading: "lazy", referrerPolicy: "no-referrer", src: avatarUrl});
  picture.onerror = () => picture.replaceWith(letter); // where another one has its place by now: nothing
  face.replaceChildren(picture);
}

/** Whoever stands on the page is drawn anew when something else is known of them. */
on(profiles, "change", ({userIds}) => {
  for (const drawn of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-user]"))) {
    const userId = drawn.dataset.user ?? "";
    if (!userIds.has(userId)) continue;
    if (drawn.classList.contains("face")) drawFace(drawn, userId);
    else if (drawn.classList.contains("id")) drawId(drawn, userId);
    else drawName(drawn, userId);
  }
});

/** The id, where a name stands in its place. @param {HTMLElement} id @param {string} userId */
export function drawId(id, userId) {
  id.dataset.user = userId;
  id.textContent = profiles.idBeside(userId);
}

/** Fills a row with a face, a name and, where it is known, whether they are there. @param {HTMLElement} row @param {import("../models/people.js").Person} person */
export function drawPerson(row, {userId, presence = "unknown"}) {
  drawName(part(row, ".name", HTMLElement), userId);
  drawId(part(row, ".id", HTMLElement), userId);
  drawFace(part(row, ".face", HTMLElement), userId);
  drawPresence(row, presence);
}

/** The dot at a face, and what it means in words. @param {HTMLElement} row @param {import("../models/presence.js").Status} presence */
export function drawPresence(row, presence) {
  const dot = part(row, ".dot", HTMLElement);
  dot.dataset.presence = presence;
  part(dot, ".visually-hidden", HTMLElement).textContent = presence === "online" || presence === "away" ? say(`presence.${presence}`) : "";
}

/** How many pixels of what it holds lie below. @param {Element} scroller */
export function distanceToEnd({scrollHeight, scrollTop, clientHeight}) {
  return scrollHeight - scrollTop - clientHeight;
}

/** Puts these rows in a list in this order. Those that stay are not touched: a selection, a focus and what a screen reader is at stay too. @param {Element} list @param {HTMLElement[]} rows */
export function placeRows(list, rows) {
  const wanted = new Set(rows);
  for (const child of [...list.children]) if (!wanted.has(/** @type {HTMLElement} */ (child))) child.remove();
  let next = list.firstElementChild;
  for (const row of rows) {
    if (row === next) next = next.nextElementSibling;
    else list.insertBefore(row, next);
  }
}

/** The last row that fits, where those before it do too. @param {HTMLCollection} rows @param {(row: HTMLElement) => boolean} fits @returns {number} its index, or -1 */
export function lastIndexThat(rows, fits) {
  let [from, to] = [0, rows.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (fits(/** @type {HTMLElement} */ (rows[middle]))) from = middle + 1;
    else to = middle;
  }
  return from - 1;
}
