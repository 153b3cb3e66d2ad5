// @ts-check
/** Owns the third step: a frame as bits, while it is written, and then as it was on the wire. */
import {bitsOf, bytesOf, EXAMPLE_MASK, frameOf, hexOf, partsOf} from "../frame-bits.js";
import {Pupil} from "../pupil.js";
import {find, inEachLanguage, make, say, write} from "../say.js";

const FIRST_BITS = 160; // of a long content; the rest is as many more of the same

const input = find("#text", HTMLInputElement);
/** What was sent, as the server had it. @type {number[] | undefined} */
let sent;
/** What it answered. @type {number[] | undefined} */
let answered;
/** @type {Pupil | undefined} */
let pupil;

/** @param {{from: string, head: string, mask: string, text: string, opcode: number}} frame */
function bytesOn({head, mask, text}) {
  const key = bytesOf(mask);
  const content = [...new TextEncoder().encode(text)];
  return [...bytesOf(head), ...key, ...content.map((byte, index) => byte ^ (key[index % 4] ?? 0))];
}

find("#say", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  pupil?.close();
  const {value} = input;
  pupil = new Pupil({
    open: () => {
      pupil?.say({type: "learn", do: "watch"});
      pupil?.ws.send(value);
    },
    wire: ({frames}) => {
      for (const frame of frames) {
        if (frame.from === "browser" && frame.text === value) sent = bytesOn(frame);
        if (frame.from === "server" && frame.text.includes("error")) answered = bytesOn(frame);
      }
      if (answered) pupil?.close();
      draw();
    },
  });
});
input.addEventListener("input", () => {
  sent = answered = undefined;
  draw();
});

/** @param {string} id @param {number[]} bytes */
function drawBits(id, bytes) {
  const groups = partsOf(bytes).map(({name, bits}) => {
    const group = make("div", "", `part ${name}`);
    const shown = make("div", "", "bytes");
    const step = bits.length >= 8 ? 8 : bits.length;
    for (let at = 0; at < Math.min(bits.length, FIRST_BITS); at += step) {
      const byte = make("span", make("code", bits.slice(at, at + step)), "byte");
      if (step === 8) byte.append(make("small", hexOf(parseInt(bits.slice(at, at + 8), 2))));
      else if (name === "length") byte.append(make("small", `= ${parseInt(bits, 2)}`));
      shown.append(byte);
    }
    if (bits.length > FIRST_BITS) shown.append("…");
    group.append(shown, make("span", say(`frame.${name}`), "about"));
    return group;
  });
  find(id, HTMLElement).replaceChildren(...groups);
}

function draw() {
  const bytes = sent ?? frameOf(input.value, EXAMPLE_MASK).bytes;
  write(find("#which", HTMLElement), sent ? "frame.real" : "frame.guess", {size: bytes.length});
  drawBits("#bits", bytes);
  const content = [...new TextEncoder().encode(input.value)];
  const body = bytes.slice(bytes.length - content.length);
  const key = bytes.slice(-content.length - 4).slice(0, 4);
  /** @type {[import("../texts.js").TextKey, number[]][]} */
  const rows = [["frame.onWire", body], ["frame.mask", body.map((_, index) => key[index % 4])], ["frame.plain", content]];
  find("#unmask", HTMLElement).replaceChildren(...rows.map(([about, values]) => {
    const head = make("th", say(about));
    head.setAttribute("scope", "row");
    const row = make("tr", head);
    for (const value of values) {
      const cell = make("td", make("code", bitsOf(value)));
      cell.append(make("small", hexOf(value)));
      row.append(cell);
    }
    return row;
  }));
  if (answered) drawBits("#back", answered);
  else find("#back", HTMLElement).replaceChildren(make("p", say("frame.notYet"), "note"));
}

inEachLanguage(draw);
