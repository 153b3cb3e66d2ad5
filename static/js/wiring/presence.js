// @ts-check
/** Owns where presence meets the page: this tab's tells the server, that of others goes to the conversations. */
import {host} from "../host.js";
import {on} from "../on.js";

/** What shows that somebody is there. Not `scroll`: a message that comes scrolls a list that stays at its end. */
const SIGNS_OF_LIFE = ["keydown", "pointerdown", "pointermove", "wheel", "touchmove", "focus"];
/** A mouse moves sixty times a second; once in so long is enough. */
const SIGN_EVERY_MS = 1000;

/** @param {import("./models.js").Models} models */
export function wirePresence({attention, socket, conversations}) {
  on(attention, "change", () => socket.send(attention.isAway ? "away" : "back"));
  const look = () => attention.setHidden(document.hidden || host.isClosed);
  look();
  document.addEventListener("visibilitychange", look);
  on(host, "change", look);
  let touchedAt = 0;
  for (const sign of SIGNS_OF_LIFE) {
    window.addEventListener(sign, ({timeStamp}) => {
      if (timeStamp - touchedAt < SIGN_EVERY_MS) return;
      touchedAt = timeStamp;
      attention.noteActivity();
    }, {capture: true, passive: true});
  }
  socket.on("ready", () => attention.isAway && socket.send("away")); // a new socket counts as looked at
  socket.on("presence", (presence) => conversations.applyPresence(presence));
}
