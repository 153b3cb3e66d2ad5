// @ts-check
/** Owns the fourth step: a WebSocket by hand, with nothing between it and who presses the buttons. */
import {introduction, me, plainAddress} from "../pupil.js";
import {find, tell} from "../say.js";

const SHOWN_CHARS = 400; // of what came: `ready` tells of all limits
const STATES = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];

const what = find("#what", HTMLInputElement);
const log = find("#log", HTMLElement);
/** @type {WebSocket | undefined} */
let ws;

const presets = {
  init: () => JSON.stringify(introduction()),
  hello: () => JSON.stringify({type: "chat", toUserId: me, message: "안녕", ref: 1}),
  rude: () => "hello",
};
what.value = presets.init();
for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll(".presets button"))) {
  button.addEventListener("click", () => (what.value = presets[/** @type {keyof typeof presets} */ (button.value)]()));
}

function showState() {
  const state = ws?.readyState ?? 3;
  find("#ready-state", HTMLElement).textContent = `readyState ${state} ${STATES[state]}`;
}

find("#open", HTMLButtonElement).addEventListener("click", () => {
  ws?.close();
  ws = new WebSocket(plainAddress());
  ws.onopen = () => heard("onopen", "");
  ws.onmessage = ({data}) => heard("onmessage", data);
  ws.onclose = ({code, reason}) => heard("onclose", `code ${code} ${reason}`);
  showState();
});
find("#shut", HTMLButtonElement).addEventListener("click", () => {
  ws?.close(1000, "bye");
  showState();
});
find("#by-hand", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  if (ws?.readyState === WebSocket.OPEN) {
    ws.send(what.value);
    tell(log, what.value).prepend(mark("send"));
  } else {
    tell(log, "client.dropped", {state: ws?.readyState ?? 3});
  }
});

/** @param {string} moment @param {string} said */
function heard(moment, said) {
  tell(log, said.length > SHOWN_CHARS ? `${said.slice(0, SHOWN_CHARS)}…` : said).prepend(mark(moment));
  showState();
}

/** @param {string} moment */
function mark(moment) {
  const span = document.createElement("span");
  span.className = `moment is-${moment}`;
  span.textContent = moment;
  return span;
}
