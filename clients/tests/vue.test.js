import assert from "node:assert/strict";
import {test} from "node:test";
import {effectScope, nextTick, ref} from "vue";
import {useChat} from "flask-chat-server-vue";
import {chat, inits, open, ready, settled} from "./wire.js";

test("one connection hears each thing once, follows its user, and ends with its scope", async () => {
  const heard = [];
  const noted = [];
  const userId = ref("alice");
  const scope = effectScope();
  const {connection, sendMessage} = scope.run(() => useChat({
    url: "ws://chat/ws",
    userId,
    token: () => "a token",
    onChat: ({message}) => heard.push(message),
    onNotify: ({message}) => noted.push(message),
  }));
  await settled();
  assert.equal(open().length, 1);
  const [socket] = open();
  assert.deepEqual(inits(socket).map(({userId, token}) => [userId, token]), [["alice", "a token"]]);
  assert.equal(connection.value, "connecting");
  socket.say(ready);
  assert.equal(connection.value, "online");
  for (const seq of [1, 2, 2, 1]) socket.say(chat(seq, `message ${seq}`));
  for (const id of [7, 7]) socket.say({type: "notification", id, message: `notice ${id}`});
  assert.deepEqual(heard, ["message 1", "message 2"]);
  assert.deepEqual(noted, ["notice 7"]);
  const sent = sendMessage("bob", "hello");
  socket.say({type: "ack", ref: socket.sent.at(-1).ref, seq: 3, timestamp: "t", delivered: true});
  assert.equal((await sent).seq, 3);
  userId.value = "carol";
  await nextTick();
  await settled();
  assert.ok(socket.isClosed);
  assert.deepEqual(open().map((one) => inits(one)[0].userId), ["carol"]);
  scope.stop();
  assert.deepEqual(open(), []);
});
