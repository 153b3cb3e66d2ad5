// @ts-check
/**
 * Owns what the page says of errors that have no place of their own: a banner for each code, in the language of the page,
 * which hides by itself and does not come again at once. An error of a field or a message stands there instead.
 */
import {language, sayDetail, sayOf} from "../language.js";

/** @typedef {import("../chat-socket.js").ChatError} ChatError */

/** So long after a code was told it is not told again. */
const QUIET_MS = 60_000;

export class Problems {
  #banners;
  /** @type {Map<string, {error: Told, at: number}>} by code */
  #told = new Map();

  /** @typedef {Pick<ChatError, "code" | "message" | "rule" | "params"> & {field?: string | null, retry?: string}} Told */

  /** @param {import("./chat-banners.js").ChatBanners} banners */
  constructor(banners) {
    this.#banners = banners;
    language.addEventListener("change", () => {
      for (const {error} of this.#told.values()) banners.amend(noticeOf(error));
    });
  }

  /** @param {Told} error */
  tell(error) {
    const {at = -Infinity} = this.#told.get(error.code) ?? {};
    if (performance.now() - at < QUIET_MS) return; // nor is its banner's time begun anew
    this.#told.set(error.code, {error, at: performance.now()});
    this.#banners.show(noticeOf(error));
  }
}

/** @param {Told} error */
function noticeOf(error) {
  const level = error.retry === "never" ? "error" : "warning";
  return {id: `problem.${error.code}`, level, passes: true, title: sayOf("error", error.code), message: sayDetail(error)};
}
