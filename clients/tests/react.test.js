import assert from "node:assert/strict";
import {test} from "node:test";
import {createElement, StrictMode} from "react";
import {act, create} from "react-test-renderer";
import {useChat} from "flask-chat-server-react";
import {chat, inits, open, ready, settled, sockets} from "./wire.js";

globalThis.IS_REACT_ACT_ENVIRONMENT = true;
const complaints = [];
// The renderer without a page says of itself that it is an old one.
console.error = (...words) => String(words[0]).startsWith("react-test-renderer") || complaints.push(words.join(" "));

let shown;
function Component(props) {
  shown = useChat(props);
  return shown.connection;
}

async function mount(props) {
  sockets.length = 0;
  let root;
  const draw = (more) => act(async () => {
    const element = createElement(StrictMode, null, createElement(Component, {url: "ws://chat/ws", userId: "alice", ...props, ...more}));
    if (root) root.update(element);
    else root = create(element);
    await settled();
  });
  await draw();
  return {draw, leave: () => act(() => root.unmount()), text: () => root.toJSON()};
}

test("under StrictMode one connection is left, which says one init, and hears each thing once", async () => {
  const heard = [];
  const noted = [];
  const {draw, leave, text} = await mount({onChat: ({message}) => heard.push(message), onNotify: ({message}) => noted.push(message)});
  assert.equal(sockets.length, 2, "need StrictMode's second effect for this to mean anything");
  assert.equal(open().length, 1);
  const [socket] = open();
  assert.equal(inits(socket).length, 1);
  assert.equal(inits(sockets[0]).length, 0, "the other one was closed before it said who it is");
  await act(async () => socket.say(ready));
  assert.equal(text(), "online");
  await act(async () => {
    for (const seq of [1, 2, 2, 1]) socket.say(chat(seq, `message ${seq}`));
    for (const id of [7, 7]) socket.say({type: "notification", id, message: `notice ${id}`});
  });
  assert.deepEqual(heard, ["message 1", "message 2"]);
  assert.deepEqual(noted, ["notice 7"]);
  await draw({onChat: ({message}) => heard.push(`anew ${message}`)});
  assert.deepEqual(open(), [socket], "a new callback opens no new connection");
  await act(async () => socket.say(chat(3, "three")));
  assert.equal(heard.at(-1), "anew three");
  await act(async () => {
    socket.say({...ready, epoch: "another"});
    socket.say(chat(1, "after a restore"));
  });
  assert.equal(heard.at(-1), "anew after a restore");
  const sent = shown.sendMessage("bob", "hello");
  const {ref, toUserId, message} = socket.sent.at(-1);
  assert.deepEqual([toUserId, message], ["bob", "hello"]);
  socket.say({type: "ack", ref, seq: 4, timestamp: "t", delivered: true});
  assert.equal((await sent).seq, 4);
  await leave();
  assert.deepEqual(open(), []);
  assert.deepEqual(complaints, []);
});

test("another user gets another connection, and a token that is a function is asked each time", async () => {
  const tokens = ["one", "two"];
  const {draw, leave} = await mount({token: () => tokens.shift()});
  await draw({token: () => tokens.shift()});
  assert.equal(open().length, 1);
  const [first] = open();
  assert.deepEqual(inits(first).map(({userId, token}) => [userId, token]), [["alice", "one"]]);
  await draw({userId: "carol", token: () => tokens.shift()});
  const [second] = open();
  assert.ok(first.isClosed);
  assert.deepEqual(inits(second).map(({userId, token}) => [userId, token]), [["carol", "two"]]);
  await leave();
});
