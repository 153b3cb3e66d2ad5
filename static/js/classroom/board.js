// @ts-check
/** Owns the teacher's page: who is here and at which step, asked for every two seconds, and the controls. */
import {find, inEachLanguage, make, say, write} from "../learn/say.js";
import {texts} from "../learn/texts.js";
import {ask} from "./ask.js";

/** @typedef {import("../learn/say.js").TextKey} TextKey */
/** @typedef {{pupils: {name: string, here: boolean, step: string, minutes: number}[], paused: boolean}} Roster */

const ASK_MS = 2000;
const address = (/** @type {string} */ path) => new URL(`class/${path}`, new URL(document.documentElement.dataset.root ?? "/", location.href));
const list = find("#roster", HTMLElement);
const problem = find("#problem", HTMLElement);
const dialog = find("dialog", HTMLDialogElement);

/** @type {Roster} */
let roster = {pupils: [], paused: false};
let isOver = false;
let isReached = true;
/** @type {number | undefined} to how many the last note went */
let sent;

async function look() {
  try {
    const said = await ask(address("roster"));
    if (!isReached) problem.textContent = "";
    isReached = true;
    const isNew = JSON.stringify(said) !== JSON.stringify(roster);
    roster = said;
    if (isNew) draw();
  } catch (error) {
    isReached = false;
    show(error);
  }
  if (!isOver) setTimeout(look, ASK_MS);
}

/** Does it, and says what is wrong. @param {() => Promise<void>} act */
async function attempt(act) {
  problem.textContent = "";
  await act().catch(show);
}

/** @param {unknown} error */
function show(error) {
  if (!isOver) problem.textContent = /** @type {Error} */ (error).message;
}

function draw() {
  const {pupils, paused} = roster;
  write(find("#count", HTMLElement), pupils.length ? "class.count" : "class.nobody", {here: pupils.filter(({here}) => here).length, all: pupils.length});
  const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.name;
  list.replaceChildren(...pupils.map(row));
  if (focused) /** @type {HTMLElement | null} */ (list.querySelector(`[data-name="${CSS.escape(focused)}"]`))?.focus();
  write(find("#pause", HTMLElement), paused ? "class.goOn" : "class.pause");
  if (sent !== undefined) write(find("#said", HTMLElement), "class.sent", {count: sent});
  find("#pause", HTMLElement).classList.toggle("is-on", paused);
}

/** @param {Roster["pupils"][0]} pupil */
function row({name, here, step, minutes}) {
  const key = `${step}.title`;
  const title = say(Object.hasOwn(texts, key) ? /** @type {TextKey} */ (key) : "class.noStep");
  const where = step && minutes ? say("class.atStep", {step: title, minutes}) : title;
  const free = make("button", say("class.freeShort"), "quiet-button");
  free.setAttribute("type", "button");
  free.setAttribute("aria-label", say("class.free", {name}));
  free.dataset.name = name;
  free.addEventListener("click", async () => {
    if (await isSure(say("class.sureFree", {name}))) attempt(async () => ask(address("free"), {name}));
  });
  const line = make("li", make("span", say(here ? "class.here" : "class.gone"), "state"), here ? "is-here" : "");
  line.append(make("strong", name), make("span", where, "step"), free);
  return line;
}

/** @param {string} question @returns {Promise<boolean>} */
function isSure(question) {
  find("#question", HTMLElement).textContent = question;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), {once: true}));
}

find("#say", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  const field = find("#text", HTMLInputElement);
  if (!field.value.trim()) return field.focus();
  attempt(async () => {
    sent = (await ask(address("notify"), {text: field.value.trim()})).pupils;
    field.value = "";
    draw();
  });
});

find("#pause", HTMLElement).addEventListener("click", () => attempt(async () => {
  roster.paused = (await ask(address("pause"), {paused: !roster.paused})).paused;
  draw();
}));

find("#end", HTMLElement).addEventListener("click", async () => {
  if (!await isSure(say("class.sureEnd"))) return;
  attempt(async () => {
    const {deleted} = await ask(address("end"), {});
    isOver = true;
    const lead = make("p", "", "lead");
    const heading = make("h1");
    const page = find("article", HTMLElement);
    page.className = "join";
    page.replaceChildren(heading, lead);
    inEachLanguage(() => {
      write(heading, "class.over");
      write(lead, deleted ? "class.deleted" : "class.notDeleted");
    });
  });
});

look();
inEachLanguage(draw);
