// @ts-check
/** Owns the seventh step: three faults of the network on one's own socket, and what puts each right. */
import {me, Pupil} from "../pupil.js";
import {find, make, say, tell} from "../say.js";

const ACK_MS = 1000; // until a message without an answer is sent again
const AWAY_SECONDS = 2; // how long the server stays away after a cut, for this page
const BACKOFF_MS = [200, 400, 800, 1600, 3200];
const MOST_TRIES = 60; // of a client that does not wait: it would go on for as long as the server is away

const log = find("#log", HTMLElement);
const received = find("#received", HTMLElement);
const buttons = ["#lose", "#repeat", "#cut"].map((id) => find(id, HTMLButtonElement));
const isOn = (/** @type {string} */ cure) => find(`#${cure}`, HTMLInputElement).checked;

/** Sends. @type {Pupil} */
let sender;
/** Messages without an answer, by their numbers. @type {Map<number, {clientId: string, timer: ReturnType<typeof setTimeout>}>} */
const pending = new Map();
let last = 0;
/** The last `seq` that is shown. */
let shown = 0;
/** @type {{tries: number, begun: number} | undefined} while the line is cut */
let away;

const receiver = new Pupil({
  open: () => receiver.init(),
  ready: () => connect(),
  chat: ({seq, message}) => {
    if (isOn("seq") && seq <= shown) {
      tell(log, "wrong.passed", {seq});
      return;
    }
    const line = make("li", make("code", `seq ${seq}`), seq <= shown || isThere(message) ? "is-double" : "");
    line.append(" ", message);
    received.append(line);
    shown = Math.max(shown, seq);
  },
});

/** Whether it is shown already, under whatever number. @param {string} message */
function isThere(message) {
  return [...received.children].some((line) => line.textContent?.endsWith(` ${message}`));
}

function connect() {
  const pupil = (sender = new Pupil({
    open: () => pupil.init(),
    ready: () => {
      if (away) tell(log, "wrong.back", {tries: away.tries, seconds: secondsSince(away.begun)});
      away = undefined;
      for (const button of buttons) button.disabled = false;
    },
    ack: ({ref, seq, repeated}) => {
      const number = Number(ref);
      clearTimeout(pending.get(number)?.timer);
      if (!pending.delete(number)) return;
      tell(log, repeated ? "wrong.known" : "wrong.ack", {seq});
    },
    close: () => lost(),
  }));
}

function lost() {
  for (const button of buttons) button.disabled = true;
  if (!away) tell(log, "wrong.lost");
  away ??= {tries: 0, begun: performance.now()};
  const number = ++away.tries;
  if (isOn("backoff")) {
    const ms = Math.round(BACKOFF_MS[Math.min(number, BACKOFF_MS.length) - 1] * (0.5 + Math.random() / 2)); // by chance: a class would come back at once
    tell(log, "wrong.wait", {number, ms});
    setTimeout(connect, ms);
  } else if (number < MOST_TRIES) {
    connect();
  } else {
    tell(log, "wrong.gaveUp", {tries: number, seconds: secondsSince(away.begun)});
    away = undefined;
    setTimeout(connect, AWAY_SECONDS * 1000);
  }
}

/** @param {number} begun */
function secondsSince(begun) {
  return ((performance.now() - begun) / 1000).toFixed(1);
}

function send() {
  const number = ++last;
  tell(log, "wrong.sent", {number});
  transmit(number, `c${number}-${performance.now()}`);
}

/** @param {number} number @param {string} clientId */
function transmit(number, clientId) {
  const timer = setTimeout(() => {
    tell(log, "wrong.noAck", {number, ms: ACK_MS});
    transmit(number, clientId);
  }, ACK_MS);
  pending.set(number, {clientId, timer});
  sender.say({type: "chat", toUserId: me, message: say("wrong.message", {number}), clientId: isOn("clientId") ? clientId : undefined, ref: number});
}

buttons[0].addEventListener("click", () => {
  sender.say({type: "learn", do: "lose_ack"});
  send();
});
buttons[1].addEventListener("click", async () => {
  await receiver.ask({type: "learn", do: "send_twice"});
  send();
});
buttons[2].addEventListener("click", () => sender.say({type: "learn", do: "cut", seconds: AWAY_SECONDS}));
