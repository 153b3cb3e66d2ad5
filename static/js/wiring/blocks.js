// @ts-check
/** Owns where blocking meets the page: buttons ask the server, and what it says changes header, composer and list. */
import {part} from "../elements/parts.js";
import {language, sayWhole} from "../language.js";
import {on} from "../on.js";

/** @typedef {import("../chat-socket.js").ChatError} ChatError */

/** @param {import("./models.js").Models} models @param {import("./elements.js").Elements} elements */
export function wireBlocks({names, socket, blocks, conversations}, {blockDialog, blockedButton, blockedNote, header, composer}) {
  /** @type {ChatError | undefined} of unblocking from the note */
  let problem;
  /** @param {string} userId @param {boolean} isBlocked @returns {Promise<ChatError | undefined>} why not */
  const change = async (userId, isBlocked) => {
    try {
      await socket.emit(isBlocked ? "block" : "unblock", {userId});
      blocks.set(userId, isBlocked);
    } catch (error) {
      return /** @type {ChatError} */ (error);
    }
  };
  const unblockOpened = async () => {
    if (!conversations.opened) return;
    problem = await change(conversations.opened.withUserId, false);
    draw();
  };
  const draw = () => {
    const {opened} = conversations;
    const isBlocked = opened !== undefined && blocks.has(opened.withUserId);
    header.showBlocked(isBlocked);
    composer.hidden = isBlocked;
    blockedNote.hidden = !isBlocked;
    part(blockedNote, ".problem", HTMLElement).textContent = isBlocked && problem ? sayWhole(problem) : "";
    blockedButton.hidden = blocks.list.length === 0;
    blockDialog.show(blocks.list);
  };
  socket.on("ready", ({blocked = []}) => blocks.replace(blocked));
  socket.on("blocking", ({userId, blocked}) => blocks.set(userId, blocked));
  on(blocks, "change", draw);
  on(conversations, "open", () => {
    problem = undefined;
    draw();
  });
  language.addEventListener("change", draw);
  on(header, "block", () => {
    const {withUserId} = conversations.opened ?? {};
    if (withUserId !== undefined && !names.isUnasked(withUserId)) blockDialog.ask(withUserId);
  });
  on(header, "unblock", unblockOpened);
  on(blockDialog, "block", async ({userId}) => blockDialog.settle("confirm", await change(userId, true)));
  on(blockDialog, "unblock", async ({userId}) => blockDialog.settle("blocked", await change(userId, false)));
  blockedButton.addEventListener("click", () => blockDialog.open());
  part(blockedNote, "button", HTMLButtonElement).addEventListener("click", unblockOpened);
  draw();
}
