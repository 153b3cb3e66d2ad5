// @ts-check
/** Owns the banners in the widget's shadow root: their style, and their words. Loaded with the first notification. */
import sheet from "../../css/notifications.css" with {type: "css"};
import {bannerWords, showBanners} from "../banner.js";

/** @param {ShadowRoot} root @param {import("../chat-socket.js").ChatSocket} socket @param {string} language */
export function showBannersIn(root, socket, language) {
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.unshift(sheet); // first: widget.css has the last word
  return showBanners(socket, {words: bannerWords(language), into: root});
}
