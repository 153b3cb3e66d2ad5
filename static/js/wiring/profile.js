// @ts-check
/** Owns where one's own profile meets the page: its dialog, which is loaded when somebody first asks for it. */
import {drawFace} from "../elements/parts.js";
import {language, say, sayWhole} from "../language.js";
import {ChatError} from "../chat-socket.js";
import {profiles} from "../models/profiles.js";

/** Not in the bundle: few need it, and all load that. What it needs of the page it is given. */
const DIALOG = new URL("static/js/elements/profile-dialog.js", document.baseURI).href;

/** @param {import("./models.js").Models} models @param {import("./elements.js").Elements} elements */
export function wireProfile({me, api}, {profileButton, problems}) {
  profileButton.addEventListener("click", async () => {
    try {
      const {openProfile} = /** @type {typeof import("../elements/profile-dialog.js")} */ (await import(DIALOG));
      await openProfile({me, api, profiles, language, say, sayWhole, drawFace});
    } catch (error) {
      problems.tell(error instanceof ChatError ? error : new ChatError("connection_lost", ""));
    }
  });
}
