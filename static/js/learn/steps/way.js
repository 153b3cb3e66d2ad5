// @ts-check
/** Owns the sixth step: one message of one's own, and what each stage on its way took in the server. */
import {me, Pupil} from "../pupil.js";
import {find, inEachLanguage, write} from "../say.js";

const MICROSECONDS = 1000; // of a millisecond
/** A bar is empty at a tenth of a microsecond, and full at a hundred milliseconds. */
const [LEAST, MOST] = [-1, 5];
const LIT_MS = 120; // one stage after the other, as a class can follow it

const send = find("#send", HTMLButtonElement);
let begun = 0;
/** @type {{stages: {name: string, us: number}[], whole: number, page: number} | undefined} */
let way;
let back = 0;

const other = new Pupil({open: () => other.init(), ready: connect});
/** @type {Pupil | undefined} */
let pupil;
function connect() {
  pupil = new Pupil({
    open: () => pupil?.init(),
    ack: () => (back = performance.now()),
    way: (event) => {
      way = {...event, page: Math.round((back - begun) * MICROSECONDS)};
      draw();
      light();
    },
  });
}

send.addEventListener("click", () => {
  begun = performance.now();
  pupil?.say({type: "chat", toUserId: me, message: "안녕", ref: 1});
});

function rows() {
  return (way?.stages ?? []).map(({name, us}) => ({us, row: find(`[data-stage=${name}]`, HTMLElement)}));
}

function light() {
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  rows().forEach(({row}, index) => {
    row.classList.remove("is-lit");
    setTimeout(() => row.classList.add("is-lit"), isStill ? 0 : index * LIT_MS);
  });
}

function draw() {
  if (!way) return;
  for (const {row, us} of rows()) {
    find(".us", HTMLElement, row).textContent = us.toLocaleString();
    find("meter", HTMLElement, row).setAttribute("value", String(Math.max(0, (Math.log10(Math.max(us, 0.1)) - LEAST) / (MOST - LEAST))));
  }
  write(find("#whole", HTMLElement), "way.whole", {server: Math.round(way.whole).toLocaleString(), page: way.page.toLocaleString()});
}

inEachLanguage(draw);
