import assert from "node:assert/strict";
import {mock, test} from "node:test";
import "./globals.js";
import {Profiles} from "../../static/js/models/profiles.js";

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** @param {(userIds: string[]) => Promise<any>} find */
function asking(find) {
  const profiles = new Profiles();
  profiles.find = find;
  return profiles;
}

test("whoever is drawn and was not told of is asked for once, many at a time; a failure is asked again", async () => {
  mock.timers.enable({apis: ["setTimeout"]});
  /** @type {string[][]} */
  const asked = [];
  let fails = true;
  const profiles = asking(async (userIds) => {
    asked.push(userIds);
    if (fails) throw new Error("away");
    return {profiles: {u7: {displayName: "Seven"}}};
  });
  const all = Array.from({length: 250}, (_, n) => `u${n}`);
  const draw = async () => {
    for (const userId of all) profiles.of(userId);
    mock.timers.tick(150);
    for (let turns = 0; turns < 4; turns += 1) await turn();
  };
  await draw();
  assert.deepEqual(asked.map((some) => some.length), [200, 50]);
  fails = false;
  await draw();
  await draw();
  assert.equal(asked.length, 4, "what was answered is not asked again");
  assert.equal(profiles.nameOf("u7"), "Seven");
  assert.equal(profiles.idBeside("u7"), "u7");
  assert.equal(profiles.nameOf("u8"), "u8");
  assert.equal(profiles.idBeside("u8"), "");
  mock.timers.reset();
});

test("whom an answer names, or will name, is not asked for", async () => {
  mock.timers.enable({apis: ["setTimeout"]});
  let asked = 0;
  const profiles = asking(async () => ({asked: (asked += 1)}));
  for (const userId of ["ann", "bob", "typed"]) profiles.of(userId);
  profiles.expect("typed");
  profiles.learn({userId: "ann", conversations: [{withUserId: "bob"}], profiles: {bob: {displayName: "Bob"}}});
  mock.timers.tick(150);
  await turn();
  assert.equal(asked, 0);
  mock.timers.reset();
});

test("an answer that is older than an event does not take back what that said", () => {
  mock.timers.enable({apis: ["Date"]});
  const profiles = new Profiles();
  profiles.hear({userId: "ann", profile: {displayName: "Ann"}});
  profiles.learn({userId: "ann"});
  assert.equal(profiles.nameOf("ann"), "Ann");
  mock.timers.tick(5_000);
  profiles.learn({userId: "ann"}); // made later: it was taken away
  assert.equal(profiles.nameOf("ann"), "ann");
  mock.timers.reset();
});

test("who had no profile before there was a socket is asked for once more", async () => {
  mock.timers.enable({apis: ["setTimeout"]});
  /** @type {string[][]} */
  const asked = [];
  const profiles = asking(async (userIds) => {
    asked.push(userIds);
    return {profiles: {ann: {displayName: "Ann"}}};
  });
  profiles.learn({userId: "ann", profiles: {bob: {displayName: "Bob"}}});
  profiles.expect("<typed>"); // and that one may be nobody
  profiles.askAgain((userId) => userId !== "<typed>");
  mock.timers.tick(150);
  await turn();
  assert.deepEqual(asked, [["ann"]]);
  assert.equal(profiles.nameOf("ann"), "Ann");
  mock.timers.reset();
});

test("a change tells of those alone who are shown otherwise now", () => {
  const profiles = new Profiles();
  /** @type {string[][]} */
  const changes = [];
  profiles.addEventListener("change", (event) => changes.push([.../** @type {CustomEvent} */ (event).detail.userIds]));
  profiles.learn({profiles: {ann: {displayName: "Ann"}, bob: {}}});
  profiles.learn({profiles: {ann: {displayName: "Ann"}}});
  profiles.learn({users: [{userId: "ann"}]}); // named, without a profile: it was taken away
  profiles.learn({userId: "__proto__"});
  assert.deepEqual(changes, [["ann"], ["ann"]]);
});
