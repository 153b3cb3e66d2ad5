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
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return isCopied;
}
