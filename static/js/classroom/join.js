// @ts-check
/** Owns coming in: the form with the name, and, once one is in, who one is. */
import {find, inEachLanguage, write} from "../learn/say.js";
import {ask} from "./ask.js";

const form = document.querySelector("form");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = find("#problem", HTMLElement);
  problem.textContent = "";
  try {
    await ask(location.href, {name: find("#name", HTMLInputElement).value});
    location.reload();
  } catch (error) {
    problem.textContent = /** @type {Error} */ (error).message;
  }
});

const you = /** @type {HTMLElement | null} */ (document.querySelector("#you"));
if (you) inEachLanguage(() => write(you, "class.you", {name: you.dataset.name ?? ""}));
