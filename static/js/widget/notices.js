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
  /** @type {[string, object][]} what was told since the connection began */
  let heard = [];
  let isAsked = false;
  let isOver = false;
  const stops = TYPES.map((type) => socket.on(type, (event) => {
    if (type === "ready") heard = [];
    heard.push([type, event]);
    if (type === "notification" && !isAsked) load();
  }));
  const load = async () => {
    isAsked = true;
    /** @type {Map<string, (event: object) => void>} */
    const listeners = new Map();
    const listening = {
      on: (/** @type {any} */ type, /** @type {any} */ listener) => {
        listeners.set(type, listener);
        return socket.on(type, listener);
      },
      emit: (/** @type {string} */ type, /** @type {{}} */ fields) => socket.emit(type, fields),
    };
    try {
      const takeAway = await show(/** @type {any} */ (listening));
      for (const stop of stops.splice(0)) stop();
      if (isOver) return takeAway();
      stops.push(takeAway);
      for (const [type, event] of heard) listeners.get(type)?.(event);
    } catch {
      isAsked = false; // the next one tries again
    }
  };
  return () => {
    isOver = true;
    for (const stop of stops) stop();
  };
}
