import assert from "node:assert/strict";
import {test} from "node:test";
import {showWhenNeeded} from "../../static/js/widget/notices.js";

class FakeSocket extends Map {
  on(type, listener) {
    this.set(listener, type);
    return () => this.delete(listener);
  }

  say(type, event) {
    for (const [listener, heard] of [...this]) if (heard === type) listener(event);
  }
}

/** @returns what banners heard, and what ends them; `isBroken` until they can be loaded */
function banners(socket) {
  const told = {heard: [], asked: 0, isBroken: false, ended: 0};
  const end = showWhenNeeded(socket, async (listening) => {
    told.asked += 1;
    if (told.isBroken) throw new Error("offline");
    const stops = ["ready", "notification", "seen"].map((type) => listening.on(type, ({id}) => told.heard.push(`${type} ${id}`)));
    return () => {
      told.ended += 1;
      for (const stop of stops) stop();
    };
  });
  return {told, end};
}

const turn = () => new Promise((resolve) => setTimeout(resolve));

test("banners are loaded with the first notification, and hear in order what came with this connection", async () => {
  const socket = new FakeSocket();
  const {told, end} = banners(socket);
  socket.say("ready", {id: 1});
  socket.say("seen", {id: 9});
  socket.say("ready", {id: 2});
  await turn();
  assert.equal(told.asked, 0);
  socket.say("notification", {id: 3});
  socket.say("notification", {id: 4});
  socket.say("seen", {id: 3});
  await turn();
  socket.say("notification", {id: 5});
  assert.deepEqual(told.heard, ["ready 2", "notification 3", "notification 4", "seen 3", "notification 5"]);
  assert.equal(told.asked, 1);
  end();
  assert.equal(told.ended, 1);
  assert.equal(socket.size, 0);
});

test("what could not be loaded is tried again, and shows all of it", async () => {
  const socket = new FakeSocket();
  const {told} = banners(socket);
  told.isBroken = true;
  socket.say("ready", {id: 1});
  socket.say("notification", {id: 2});
  await turn();
  told.isBroken = false;
  socket.say("notification", {id: 3});
  await turn();
  assert.deepEqual(told.heard, ["ready 1", "notification 2", "notification 3"]);
});

test("who has left before they were there gets none", async () => {
  const socket = new FakeSocket();
  const {told, end} = banners(socket);
  socket.say("notification", {id: 1});
  end();
  await turn();
  assert.deepEqual(told.heard, []);
  assert.equal(told.ended, 1);
});
