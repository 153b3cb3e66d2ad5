// @ts-check
/** Owns where blocking meets the page: buttons ask the server, and what it says changes header, composer and list. */
import {part} from "../elements/parts.js";
import {sayDetail, sayOf} from "../language.js";
import {on} from "../on.js";

/** @param {import("./models.js").Models} models @param {import("./elements.js").Elements} elements */
export function wireBlocks({names, socket, blocks, conversations}, {blockDialog, blockedButton, blockedNote, header, composer, banners}) {
  /** @param {string} userId @param {boolean} isBlocked */
  const change = async (userId, isBlocked) => {
    if (names.isUnasked(userId)) return;
    try {
      await socket.emit(isBlocked ? "block" : "unblock", {userId});
      blocks.set(userId, isBlocked);
    } catch (error) {
      const refusal = /** @type {import("../chat-socket.js").ChatError} */ (error);
      const title = sayOf("error", refusal.code);
      banners.show({id: `block.${refusal.code}`, level: "error", title, message: sayDetail(refusal)});
    }
  };
  const unblockOpened = () => conversations.opened && change(conversations.opened.withUserId, false);
  const draw = () => {
    const {opened} = conversations;
    const isBlocked = opened !== undefined && blocks.has(opened.withUserId);
    header.showBlocked(isBlocked);
    composer.hidden = isBlocked;
    blockedNote.hidden = !isBlocked;
    blockedButton.hidden = blocks.list.length === 0;
    blockDialog.show(blocks.list);
  };
  socket.on("ready", ({blocked = []}) => blocks.replace(blocked));
  socket.on("blocking", ({userId, blocked}) => blocks.set(userId, blocked));
  on(blocks, "change", draw);
  on(conversations, "open", draw);
  on(header, "block", () => conversations.opened && blockDialog.ask(conversations.opened.withUserId));
  on(header, "unblock", unblockOpened);
  on(blockDialog, "block", ({userId}) => change(userId, true));
  on(blockDialog, "unblock", ({userId}) => change(userId, false));
  blockedButton.addEventListener("click", () => blockDialog.open());
  part(blockedNote, "button", HTMLButtonElement).addEventListener("click", unblockOpened);
  draw();
}
