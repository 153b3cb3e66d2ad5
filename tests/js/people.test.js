import assert from "node:assert/strict";
import {mock, test} from "node:test";
import "./globals.js";
import {People} from "../../static/js/models/people.js";

/** Lets promises that are settled go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("who is here is asked for while somebody looks, and stays as it was where the server does not answer", async () => {
  mock.timers.enable({apis: ["setInterval"]});
  const answers = [{users: [{userId: "bob"}]}, new Error("away"), {users: [{userId: "carol"}]}];
  let asked = 0;
  const people = new People(/** @type {any} */ ({
    users: async () => {
      const answer = answers[asked++];
      if (answer instanceof Error) throw answer;
      return answer;
    },
  }));
  const seen = () => people.list.map(({userId}) => userId);
  people.setWatched(false);
  assert.equal(asked, 0);
  for (const expected of ["bob", "bob", "carol"]) {
    people.setWatched(true); // again and again: it is one look
    await turn();
    assert.deepEqual(seen(), [expected]);
    if (asked < 3) mock.timers.tick(10_000);
    await turn();
  }
  people.setWatched(false);
  mock.timers.tick(60_000);
  assert.equal(asked, 3);
  mock.timers.reset();
});
