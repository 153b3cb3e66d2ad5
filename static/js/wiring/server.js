// @ts-check
/** Owns the server's addresses, which are the page's own, so that the chat works below any path; and whether a site signs its users in. */

export const apiBase = new URL("api/", document.baseURI);

/** Whether nobody signs in here, since the site says who is there. */
export const isOfSite = document.documentElement.dataset.auth === "site";

const SITE_AGAIN_MS = 3000;

/** So long until the site is asked again, after it could not be. @param {import("../chat-socket.js").ChatError} error */
export const againMs = ({retryAfter = 0}) => retryAfter * 1000 || SITE_AGAIN_MS;

export const socketUrl = new URL("ws", document.baseURI);
socketUrl.protocol = socketUrl.protocol.replace("http", "ws");
