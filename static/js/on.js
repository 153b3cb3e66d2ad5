// @ts-check
/** Owns how one part of the page hears another: by its events, whose `detail` says what happened. */

/** @param {EventTarget} target @param {string} type @param {(detail: any) => void} listener */
export function on(target, type, listener) {
  target.addEventListener(type, (event) => listener(/** @type {CustomEvent} */ (event).detail));
}
