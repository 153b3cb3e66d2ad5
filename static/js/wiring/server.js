// @ts-check
/** Owns the server's addresses: the page's own, so that the chat works below any path. */

export const apiBase = new URL("api/", document.baseURI);

/** Whether nobody signs in here, since the site says who is there. */
export const isOfSite = document.documentElement.dataset.auth === "site";

export const socketUrl = new URL("ws", document.baseURI);
socketUrl.protocol = socketUrl.protocol.replace("http", "ws");
