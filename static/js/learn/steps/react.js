// @ts-check
/** Owns the eighth step: a component that types five letters and gets one message, on the real server. */
import {componentOf, curedHook, knownHook} from "../hooks.js";
import {introduction, plainAddress, somebody} from "../pupil.js";
import {find, tell} from "../say.js";
import {TinyReact} from "../tiny-react.js";

const TYPED = "hello";
const KEY_MS = 150; // a person's keys are apart
const MOST_MS = 10_000; // that a slow machine is waited for

const log = find("#log", HTMLElement);
const run = find("#run", HTMLButtonElement);

const after = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

run.addEventListener("click", async () => {
  run.disabled = true;
  find("#counts", HTMLElement).setAttribute("aria-busy", "true");
  log.replaceChildren();
  await play(find("#known", HTMLInputElement).checked ? knownHook : curedHook, find("#strict", HTMLInputElement).checked);
  find("#counts", HTMLElement).setAttribute("aria-busy", "false");
  run.disabled = false;
});

/** @param {typeof knownHook} hookOf @param {boolean} isStrict */
async function play(hookOf, isStrict) {
  const counts = {renderings: 0, sockets: 0, inits: 0, shown: 0};
  const count = (/** @type {Partial<typeof counts>} */ more) => {
    Object.assign(counts, more);
    for (const [name, value] of Object.entries(counts)) find(`#${name}`, HTMLElement).textContent = String(value);
  };
  // Each run is somebody new, for whom nothing waits.
  const [user, friend] = [await somebody(), await somebody()];
  if (!user || !friend) {
    introduction(); // asks to sign in
    return;
  }
  /** @type {((text: string) => void) | undefined} */
  let type;
  /** The last socket that has had its `ready`. */
  let ready = 0;

  const open = () => {
    const number = counts.sockets + 1;
    count({sockets: number});
    tell(log, "react.opens", {number});
    const ws = new WebSocket(plainAddress());
    ws.addEventListener("message", ({data}) => {
      if (JSON.parse(data).type === "ready") ready = number;
    });
    const [send, close] = [ws.send.bind(ws), ws.close.bind(ws)];
    ws.send = (text) => {
      count({inits: counts.inits + 1});
      tell(log, "react.init", {number});
      send(String(text).replace(`"userId":"${user.userId}"`, JSON.stringify(introduction(user)).slice(1, -1).replace('"type":"init",', "")));
    };
    ws.close = () => {
      tell(log, "react.closes", {number});
      close();
    };
    return ws;
  };
  const tiny = new TinyReact(() => component({me: user.userId, show}));
  const component = componentOf(tiny.hooks, hookOf(tiny.hooks, open));
  /** @param {any[]} messages @param {string} text @param {(text: string) => void} setText */
  function show(messages, text, setText) {
    if (messages.length > counts.shown) tell(log, "react.message", {number: messages.length, seq: messages.at(-1).seq});
    count({renderings: tiny.renderings, shown: messages.length});
    type = setText;
  }

  /** Until no socket has been opened for as long as a key takes, and the newest one is ready: else a slow machine shows another lesson. */
  async function settled() {
    const end = performance.now() + MOST_MS;
    let before;
    do {
      before = counts.sockets;
      await after(KEY_MS);
    } while ((before !== counts.sockets || ready < before) && performance.now() < end);
  }

  tiny.mount(isStrict);
  await settled();
  const other = new WebSocket(plainAddress());
  await new Promise((sent) => {
    other.onmessage = ({data}) => JSON.parse(data).ref && sent(data);
    other.onclose = sent;
    other.onopen = () => {
      other.send(JSON.stringify(introduction(friend)));
      other.send(JSON.stringify({type: "chat", toUserId: user.userId, message: "안녕", ref: 1}));
    };
  });
  await settled();
  for (let length = 1; length <= TYPED.length; length++) {
    tell(log, "react.types", {letter: TYPED[length - 1]});
    type?.(TYPED.slice(0, length));
    await settled();
  }
  tiny.unmount();
  other.close();
}
