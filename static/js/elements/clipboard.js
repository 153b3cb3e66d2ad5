// @ts-check
/** Owns putting a text on the clipboard, on pages without https too, where browsers hide the clipboard's own API. */

/** @param {string} text @returns {Promise<boolean>} whether it is there */
export async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return byCommand(text);
  }
}

/** @param {string} text */
function byCommand(text) {
  const focused = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  (focused?.closest("dialog[open]") ?? document.body).append(field); // what lies below a dialog takes no focus
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return isCopied;
}
