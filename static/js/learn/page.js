// @ts-check
/** Owns what all pages of the lesson do: their texts and language, the guess, the colours of the sources. */
import {language} from "../language.js";
import {inEachLanguage, make, say, write} from "./say.js";
import {texts} from "./texts.js";

/** @typedef {import("./texts.js").TextKey} TextKey */

/** What is coloured: comments and docstrings, texts, words of the language. */
const TOKENS = /("""[\s\S]*?"""|\/\*[\s\S]*?\*\/|(?:^|(?<=\s))(?:#(?!\w+\()|\/\/).*$)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)|\b(def|class|return|if|elif|else|for|while|in|not|and|or|is|None|True|False|raise|try|except|finally|with|as|import|from|yield|self|lambda|function|const|let|new|export|async|await|this|null|typeof|of|case|match|del|pass|break|continue)\b/gm;

/** @param {string | undefined} key @returns {key is TextKey} */
const isKey = (key) => key !== undefined && Object.hasOwn(texts, key);

function translate() {
  document.documentElement.lang = language.code;
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-text], [data-label]"))) {
    const {text, label} = element.dataset;
    if (isKey(text)) write(element, text);
    if (isKey(label)) element.setAttribute("aria-label", say(label));
  }
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll(".languages button"))) {
    button.setAttribute("aria-pressed", String(button.lang === language.code));
  }
  document.title = `${document.querySelector("h1")?.textContent} · ${say("title")}`;
}

document.querySelector(".languages")?.addEventListener("click", ({target}) => {
  const code = target instanceof HTMLButtonElement && target.lang;
  if (code === "en" || code === "ko") language.choose(code);
});

for (const section of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".predict"))) {
  const step = document.documentElement.dataset.step;
  const choices = [...section.querySelectorAll("button")];
  const verdict = /** @type {Element} */ (section.querySelector(".verdict"));
  /** @type {string | undefined} */
  let chosen;
  const draw = () => {
    if (!chosen) return;
    const isRight = chosen === section.dataset.right;
    const why = Object.hasOwn(texts, `${step}.verdict`) ? `${step}.verdict` : `${step}.answer`;
    write(verdict, /** @type {TextKey} */ (why));
    verdict.prepend(make("strong", `${isRight ? "✓" : "✗"} ${say(isRight ? "right" : "wrong")}`), " ");
    verdict.className = `verdict ${isRight ? "is-right" : "is-wrong"}`;
  };
  for (const choice of choices) {
    choice.addEventListener("click", () => {
      chosen = choice.value;
      for (const other of choices) other.setAttribute("aria-pressed", String(other === choice));
      draw();
    });
  }
  language.addEventListener("change", draw);
}

for (const code of document.querySelectorAll(".source code[translate]")) {
  const text = code.textContent ?? "";
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(TOKENS)) {
    parts.push(text.slice(end, found.index), make("span", found[0], found[1] ? "comment" : found[2] ? "text" : "word"));
    end = found.index + found[0].length;
  }
  code.replaceChildren(...parts, text.slice(end));
}

const inspect = async () => (await import("./inspector.js")).inspectPupils(await import("./pupil.js"));
document.querySelector("#wire")?.addEventListener("click", inspect);
window.addEventListener("keydown", (event) => {
  if (event.key !== "F2") return;
  event.preventDefault();
  inspect();
});

inEachLanguage(translate);
document.querySelector(".steps [aria-current]")?.scrollIntoView({block: "nearest", inline: "center"}); // a phone shows two or three
