// @ts-check
/** Owns the second step: the handshake that this page has just made, and its answer computed once more. */
import {hexOf} from "../frame-bits.js";
import {Pupil} from "../pupil.js";
import {find, inEachLanguage, make, say} from "../say.js";
import {acceptOf, GUID} from "../sha1.js";

/** @typedef {import("../texts.js").TextKey} TextKey */

/** What is said of a header. @type {Record<string, TextKey | undefined>} */
const ABOUT = {
  "upgrade": "handshake.upgrade", "connection": "handshake.connection", "sec-websocket-key": "handshake.key",
  "sec-websocket-version": "handshake.version", "origin": "handshake.origin", "host": "handshake.host",
  "sec-websocket-extensions": "handshake.extensions", "sec-websocket-accept": "handshake.accept",
};

/** @type {{request: string[], answer: string[]} | undefined} */
let shaken;

find("#shake", HTMLButtonElement).addEventListener("click", () => {
  const pupil = new Pupil({
    handshake: (event) => {
      shaken = event;
      draw();
      pupil.close();
    },
  });
});

/** A header's name as its row is found: in small letters, as HTTP says that they mean the same. @param {string} line */
function nameOf(line) {
  return Object.keys(ABOUT).find((name) => new RegExp(`^${name}:`, "i").test(line)) ?? "";
}

/** @param {string} id @param {string[]} lines @param {TextKey} [aboutFirst] */
function list(id, [first, ...lines], aboutFirst) {
  const rows = lines.map((line) => {
    const [name] = line.split(":", 1);
    return row(name, line.slice(name.length + 1).trim(), ABOUT[nameOf(line)]);
  });
  find(id, HTMLElement).replaceChildren(row(first, "", aboutFirst), ...rows);
}

/** @param {string} name @param {string} value @param {TextKey} [about] */
function row(name, value, about) {
  const group = make("div", make("dt", name), about ? "is-told" : "");
  const said = make("dd", make("code", value));
  if (about) said.append(make("span", say(about), "about"));
  group.append(said);
  return group;
}

/** @param {TextKey} about @param {Node} value */
function step(about, value) {
  const item = make("li", make("span", say(about), "about"));
  item.append(value);
  return item;
}

function draw() {
  if (!shaken) return;
  find("#shaken", HTMLElement).hidden = false;
  list("#request", shaken.request);
  list("#answer", shaken.answer, "handshake.status");
  const valueOf = (/** @type {string[]} */ lines, /** @type {string} */ name) => lines.find((line) => nameOf(line) === name)?.split(": ")[1] ?? "";
  const key = valueOf(shaken.request, "sec-websocket-key");
  const {digest, accept} = acceptOf(key);
  const isSame = accept === valueOf(shaken.answer, "sec-websocket-accept");
  const joined = make("code", make("mark", key));
  joined.append(GUID);
  const verdict = make("strong", `${isSame ? "✓" : "✗"} ${say(isSame ? "handshake.same" : "handshake.other")}`, isSame ? "is-right" : "is-wrong");
  const last = step("handshake.step3", make("code", accept, "accept"));
  last.append(verdict);
  find("#compute", HTMLElement).replaceChildren(step("handshake.step1", joined), step("handshake.step2", make("code", [...digest].map(hexOf).join(" "))), last);
}

inEachLanguage(draw);
