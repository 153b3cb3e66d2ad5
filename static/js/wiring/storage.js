// @ts-check
/** Owns where a browser that keeps nothing meets the page: it works on, and a sentence says what is lost. */
import {allTabs, thisTab} from "../browser-storage.js";
import {say} from "../language.js";

/** @param {import("./elements.js").Elements} elements */
export function wireStorage({banners}) {
  const tell = () => banners.show({id: "storage.unkept", level: "warning", title: say("outbox.unkeptTitle"), message: say("storage.unkept")});
  for (const storage of [allTabs, thisTab]) {
    if (storage.keeps) storage.addEventListener("unkept", tell);
    else tell();
  }
}
