import assert from "node:assert/strict";
import {createHash} from "node:crypto";
import {test} from "node:test";
import {createElement, StrictMode, useEffect, useRef, useState} from "react";
import {create} from "react-test-renderer";
import {EXAMPLE_MASK, frameOf, hexOf, partsOf} from "../../static/js/learn/frame-bits.js";
import {componentOf, curedHook, knownHook} from "../../static/js/learn/hooks.js";
import {TinyReact} from "../../static/js/learn/tiny-react.js";
import {acceptOf, sha1} from "../../static/js/learn/sha1.js";

test("the answer to the RFC's example key is the RFC's, and SHA-1 is node's own for every length around a block's", () => {
  assert.equal(acceptOf("dGhlIHNhbXBsZSBub25jZQ==").accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  for (let size = 0; size < 130; size++) {
    const data = new Uint8Array(size).fill(size);
    assert.deepEqual([...sha1(data)], [...createHash("sha1").update(data).digest()], `${size} bytes`);
  }
});

test("a frame is the RFC's example, and its parts are all of its bits", () => {
  const {bytes} = frameOf("Hello", EXAMPLE_MASK);
  assert.equal(bytes.map(hexOf).join(" "), "81 85 37 fa 21 3d 7f 9f 4d 51 58");
  assert.deepEqual(partsOf(bytes).map(({name}) => name), ["fin", "rsv", "opcode", "masked", "length", "key", "payload"]);
  assert.equal(partsOf(bytes).map(({bits}) => bits).join("").length, bytes.length * 8);
  const long = frameOf("안".repeat(100), []).bytes;
  assert.deepEqual(partsOf(long).map(({name, bits}) => [name, bits.length]).slice(4), [["length", 7], ["further", 16], ["payload", 2400]]);
});

/**
 * A server as far as the hooks need one: it sends a message again, behind the next `init`, if its socket was closed before a
 * pong proved the message; a message that is sent again has a ping behind it, which a browser answers before its script runs.
 */
class FakeServer {
  inits = 0;
  sockets = [];
  #unproven = undefined;

  open = () => {
    const socket = {
      isClosed: false,
      send: () => {
        this.inits++;
        if (!this.#unproven) return;
        const message = this.#unproven;
        this.#unproven = undefined;
        setTimeout(() => socket.onmessage({data: JSON.stringify(message)}), 5);
      },
      close: () => {
        socket.isClosed = true;
      },
    };
    this.sockets.push(socket);
    setTimeout(() => socket.isClosed || socket.onopen(), 5);
    return socket;
  };

  say(message) {
    this.#unproven = message;
    this.sockets.at(-1).onmessage({data: JSON.stringify(message)});
  }
}

/** Until nothing is opened or said any more, three times in a row: React's effects wait for their turn, on a slow machine for longer. */
async function settled(server) {
  const said = () => server.sockets.length + server.inits;
  for (let calm = 0, before = 0; calm < 3; before = said()) {
    await new Promise((resolve) => setTimeout(resolve, 40));
    calm = before && before === said() ? calm + 1 : 0;
  }
}

/** What five letters and a message come to. */
async function count(hookOf, mount) {
  const server = new FakeServer();
  let shown;
  const show = (messages, text, setText) => (shown = {messages, setText});
  const unmount = mount((hooks) => componentOf(hooks, hookOf(hooks, server.open)), {me: "alice", show});
  await settled(server);
  server.say({type: "chat", seq: 1});
  await settled(server);
  for (const text of ["h", "he", "hel", "hell", "hello"]) {
    shown.setText(text);
    await settled(server);
  }
  unmount();
  return {sockets: server.sockets.length, inits: server.inits, messages: shown.messages.map(({seq}) => seq)};
}

const inReact = (make, props) => {
  let root;
  console.error = () => {}; // the renderer without a page says of itself that it is an old one
  root = create(createElement(StrictMode, null, createElement(make({useEffect, useRef, useState}), props)));
  return () => root.unmount();
};

const inModel = (make, props) => {
  const tiny = new TinyReact(() => component(props));
  const component = make(tiny.hooks);
  tiny.mount(true);
  return () => tiny.unmount();
};

test("under StrictMode the well-known hook makes eight inits of five letters and a message, which comes twice; in React and in the model", async () => {
  const wanted = {sockets: 9, inits: 8, messages: [1, 1]};
  assert.deepEqual(await count(knownHook, inModel), wanted);
  assert.deepEqual(await count(knownHook, inReact), wanted);
});

test("the cured hook keeps one socket and says one init; in React and in the model", async () => {
  const wanted = {sockets: 2, inits: 1, messages: [1]};
  assert.deepEqual(await count(curedHook, inModel), wanted);
  assert.deepEqual(await count(curedHook, inReact), wanted);
});
