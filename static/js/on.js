// @ts-check
/** Owns how one part of the page hears another: by its events, whose `detail` says what happened; and how often it draws. */

/** @param {EventTarget} target @param {string} type @param {(detail: any) => void} listener */
export function on(target, type, listener) {
  target.addEventListener(type, (event) => listener(/** @type {CustomEvent} */ (event).detail));
}

/**
 * Something to be drawn once for all the events that have come by then: its turn is behind theirs, so that the more
 * come, the more are drawn at once. No frame of the browser's, which a hidden tab has none of: its title changes too.
 * @param {() => void} draw @returns {() => void} asks for it
 */
export function onceForAll(draw) {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    const {port1, port2} = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      isAsked = false;
      draw();
    };
    port2.postMessage(null);
  };
}

/** A window that is covered by another has no frames, and waits so long at most. */
const NO_FRAME_MS = 250;

/** @param {() => void} act */
export function inNextFrame(act) {
  const run = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    act();
  };
  const frame = requestAnimationFrame(run);
  const timer = setTimeout(run, NO_FRAME_MS);
}
