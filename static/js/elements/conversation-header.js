// @ts-check
/**
 * Owns the head of the open conversation: whom it is with, what they do just now, and what can be
 * done with it: `to-day`, `mute`, `mark-unread`, `hide`, `unhide`, `block`, `unblock`.
 */
import {language, momentOf, say} from "../language.js";
import {profiles} from "../models/profiles.js";
import {drawFace, drawId, drawName, part} from "./parts.js";

/** @typedef {import("../models/conversation.js").Conversation} Conversation */

export class ConversationHeader extends HTMLElement {
  /** @type {Conversation | undefined} */
  #conversation;

  connectedCallback() {
    for (const type of ["to-day", "mute", "mark-unread", "hide", "unhide", "block", "unblock"]) {
      part(this, `.${type}`, HTMLButtonElement).addEventListener("click", () => this.dispatchEvent(new CustomEvent(type)));
    }
    for (const told of [language, profiles]) told.addEventListener("change", () => this.draw());
  }

  /** @param {Conversation} conversation */
  show(conversation) {
    this.#conversation = conversation;
    this.draw();
  }

  /** @param {boolean} isBlocked whether I have blocked the other one */
  showBlocked(isBlocked) {
    part(this, ".block", HTMLElement).hidden = isBlocked;
    part(this, ".unblock", HTMLElement).hidden = !isBlocked;
  }

  /** @param {import("../models/conversation-settings.js").Settings} settings @param {boolean} isHidden whether the list leaves it out */
  showSettings({muted}, isHidden) {
    part(this, ".hide", HTMLElement).hidden = isHidden;
    part(this, ".unhide", HTMLElement).hidden = !isHidden;
    part(this, ".mute", HTMLElement).setAttribute("aria-checked", String(muted));
    part(this, ".muted", Element).toggleAttribute("hidden", !muted);
  }

  draw() {
    if (!this.#conversation) return;
    const {withUserId, typing, presence, lastSeen} = this.#conversation;
    const name = part(this, ".name", HTMLElement);
    if (name.dataset.user !== withUserId) {
      drawName(name, withUserId);
      drawId(part(this, ".id", HTMLElement), withUserId);
      drawFace(part(this, ".face", HTMLElement), withUserId);
    }
    part(this, ".subtitle", HTMLElement).textContent = profiles.of(withUserId).subtitle ?? "";
    part(this, ".typing", HTMLElement).textContent = typing ? say("conversation.typing") : "";
    const inWords = presence === "unknown" ? "" : presence === "offline" && lastSeen ? say("presence.lastSeen", {when: momentOf(lastSeen)}) : say(`presence.${presence}`);
    part(this, ".presence", HTMLElement).textContent = typing ? "" : inWords;
    part(this, ".dot", HTMLElement).dataset.presence = presence;
  }
}

customElements.define("conversation-header", ConversationHeader);
