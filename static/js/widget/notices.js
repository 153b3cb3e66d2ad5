// @ts-check
/**
 * Owns that what makes banners is loaded when the first notification comes, and hears all that the socket told until
 * then. Leaves the banners to banners.js.
 */

/** All that banners live by; see connectBanners in banner.js. */
const TYPES = /** @type {const} */ (["ready", "pong", "notification", "seen", "dismissed"]);

/** @typedef {import("../chat-socket.js").ChatSocket} ChatSocket */

/** @param {ChatSocket} socket @param {(socket: ChatSocket) => Promise<() => void>} show loads and shows them @returns {() => void} ends it */
export function showWhenNeeded(socket, show) {
  /** @type {[string, object][] | undefined} what was told since the connection began; undefined: the banners are there */
  let heard = [];
  /** @type {Map<string, (event: object) => void>} of the banners */
  const listeners = new Map();
  let isAsked = false;
  let isOver = false;
  let takeAway = () => {};
  const stops = TYPES.map((type) => socket.on(type, (event) => {
    if (!heard) return listeners.get(type)?.(event);
    if (type === "ready") heard = [];
    heard.push([type, event]);
    if (type === "notification" && !isAsked) load();
  }));
  const listening = {
    on: (/** @type {string} */ type, /** @type {(event: object) => void} */ listener) => {
      listeners.set(type, listener);
      return () => listeners.delete(type);
    },
    emit: (/** @type {string} */ type, /** @type {{}} */ fields) => socket.emit(type, fields),
  };
  const load = async () => {
    isAsked = true;
    try {
      takeAway = await show(/** @type {any} */ (listening));
      if (isOver) return takeAway();
      const before = heard ?? [];
      heard = undefined;
      for (const [type, event] of before) listeners.get(type)?.(event);
    } catch {
      isAsked = false; // the next one tries again
    }
  };
  return () => {
    isOver = true;
    for (const stop of stops) stop();
    takeAway();
  };
}
