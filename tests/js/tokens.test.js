import assert from "node:assert/strict";
import {afterEach, beforeEach, test} from "node:test";
import {FakeClock} from "./globals.js";
import {FakeStorage} from "./storage.js";
import {ChatError} from "../../static/js/chat-socket.js";
import {TabSession} from "../../static/js/models/tab-session.js";
import {Tokens} from "../../static/js/models/tokens.js";

/** @type {FakeClock} */
let clock;
beforeEach(() => (clock = new FakeClock()));
afterEach(() => clock.restore());

/** Lets promises that are settled go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));
/** @param {string} token */
const opened = (token) => ({userId: "alice", token, hasPassword: false, expiresAt: ""});

/** @param {any[]} answers of the server to signing in */
function make(...answers) {
  const all = new FakeStorage();
  const session = new TabSession(new FakeStorage(), all);
  session.store(opened("t1"), false);
  const tokens = new Tokens(session, {
    renew: async (token) => opened(`${token}+`),
    signIn: async () => {
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return opened(answer);
    },
  });
  let isOver = false;
  tokens.addEventListener("over", () => (isOver = true));
  return {session, all, tokens, isOver: () => isOver};
}

test("before a token ends it is renewed, unless another tab has done so", async () => {
  const {session, tokens} = make();
  assert.equal(await tokens.give("connects"), "t1");
  assert.equal(await tokens.give("ends"), "t1+");
  session.token = "of another tab";
  assert.equal(await tokens.give("ends"), "of another tab");
});

test("one that is refused is replaced: by that of a password being changed, or by signing in anew", async () => {
  const {session, tokens} = make("t3");
  await tokens.give("connects");
  tokens.onItsWay = Promise.resolve().then(() => session.store(opened("t2")));
  assert.equal(await tokens.give("refused"), "t2");
  tokens.onItsWay = undefined;
  assert.equal(await tokens.give("refused"), "t3");
});

test("where only a person can help it is over, and else tried again", async () => {
  const {tokens, isOver} = make(new ChatError("connection_lost", ""), new ChatError("sign_in_needed", ""));
  await tokens.give("connects");
  await assert.rejects(tokens.give("refused"), {code: "connection_lost"});
  assert.equal(isOver(), false);
  await assert.rejects(tokens.give("refused"), {code: "sign_in_needed"});
  assert.equal(isOver(), true);
});

test("who stays signed in waits for the token of the tab that changed the password", async () => {
  const {session, tokens} = make();
  session.store(opened("k1"), true);
  await tokens.give("connects");
  const given = tokens.give("refused");
  await turn();
  session.store(opened("k2"));
  clock.tick(2000);
  assert.equal(await given, "k2");
});

test("where the site says who is there it is asked anew before a token ends, and may say that nobody is", async () => {
  const session = new TabSession(new FakeStorage());
  session.store(opened("t1"));
  const answers = [opened("t2"), new ChatError("connection_lost", ""), new ChatError("not_signed_in", "")];
  const tokens = new Tokens(session, {signIn: async () => {
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return /** @type {import("../../static/js/chat-api.js").Session} */ (answer);
  }});
  let isOver = false;
  tokens.addEventListener("over", () => (isOver = true));
  assert.equal(await tokens.give("connects"), "t1");
  assert.equal(await tokens.give("ends"), "t2");
  await assert.rejects(tokens.give("ends"));
  assert.equal(isOver, false, "the network may come back before the token ends");
  await assert.rejects(tokens.give("ends"));
  assert.equal(isOver, true);
});
