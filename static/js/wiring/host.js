// @ts-check
/** Owns where the page meets the widget around it: whom it is to open, and Esc, which closes it. Leaves the messages to host.js. */
import {host} from "../host.js";
import {on} from "../on.js";

/** @param {import("./elements.js").Elements} elements */
export function wireHost({conversation, composer}) {
  on(host, "open", ({userId}) => void (location.hash = encodeURIComponent(userId)));
  on(host, "change", () => {
    if (!host.isClosed && !conversation.hidden) composer.focus();
  });
  // Before the other keys: in a panel Esc has nothing else to do.
  window.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || event.isComposing || !host.isThere) return;
    if (document.querySelector("dialog[open], :popover-open")) return;
    event.preventDefault();
    host.tell("close");
  });
}
