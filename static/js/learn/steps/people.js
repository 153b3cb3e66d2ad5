// @ts-check
/** Owns the fifth step: one's own part of the dict of sockets, and the update that is lost without a lock. */
import {asMe, Pupil} from "../pupil.js";
import {find, inEachLanguage, make, say, write} from "../say.js";

/** This page's sockets by their numbers, as the server counts them. @type {Map<number, Pupil>} */
const mine = new Map();
/** @type {{user: string, sockets: number[], others: number} | undefined} what the dict holds */
let people;
/** @type {{came: number, left: number[]} | undefined} */
let outcome;

function open() {
  let number = 0;
  const pupil = new Pupil({
    open: () => pupil.init(),
    people: (event) => {
      number = event.mine;
      mine.set(number, pupil);
      people = event;
      draw();
    },
    close: () => {
      mine.delete(number);
      if (!mine.size) people = undefined;
      draw();
    },
  });
  return pupil;
}

find("#tab", HTMLButtonElement).addEventListener("click", open);
find("#real", HTMLAnchorElement).href = asMe;

/** @param {boolean} hasLock */
async function race(hasLock) {
  const pupil = new Pupil({
    open: async () => {
      const answer = await pupil.ask({type: "learn", do: "race", hasLock});
      outcome = answer;
      pupil.close();
      draw();
    },
  });
}
find("#race", HTMLButtonElement).addEventListener("click", () => race(false));
find("#locked", HTMLButtonElement).addEventListener("click", () => race(true));

function draw() {
  find("#dict", HTMLElement).textContent = people ? `{"${people.user}": (${people.sockets.map((number) => `#${number}`).join(", ")},)}` : "{}";
  const others = find("#others", HTMLElement);
  if (people) write(others, "people.others", {count: people.others});
  else others.textContent = "";
  find("#mine", HTMLElement).replaceChildren(...[...mine].map(([number, pupil]) => {
    const button = make("button", say("people.close", {number: `#${number}`}), "quiet-button");
    button.setAttribute("type", "button");
    button.addEventListener("click", () => pupil.close());
    return button;
  }));
  if (!outcome) return;
  const {came, left} = outcome;
  find("#tabs", HTMLElement).replaceChildren(...Array.from({length: came}, (_, index) => make("span", String(index + 1), left.includes(index + 1) ? "is-in" : "")));
  write(find("#left", HTMLElement), "people.left", {came, left: left.length});
}

open();
inEachLanguage(draw);
