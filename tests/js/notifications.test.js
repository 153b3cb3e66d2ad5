import assert from "node:assert/strict";
import {afterEach, beforeEach, test} from "node:test";
import {FakeClock} from "./globals.js";
import {ChatError} from "../../static/js/chat-socket.js";
import {Notifications} from "../../static/js/models/notifications.js";

/** @type {FakeClock} */
let clock;
beforeEach(() => (clock = new FakeClock()));
afterEach(() => clock.restore());

/** Lets promises that are settled go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** @param {number} id @param {object} [more] */
const notice = (id, more = {}) => ({id, message: `number ${id}`, timestamp: new Date(1_700_000_000_000 + id * 1000).toISOString(), ...more});

function make() {
  /** @type {[string, number | string][]} */
  const told = [];
  /** @type {any[]} codes with which the server answers what it is told; undefined: it takes it */
  const answers = [];
  /** @type {any[]} pages with which it answers what it is asked */
  const pages = [];
  /** @type {any[]} */
  const changes = [];
  /** @type {any[]} */
  const asked = [];
  const notifications = new Notifications({
    tell: async (type, which) => {
      const code = answers.shift();
      if (code) throw new ChatError(code, code);
      told.push([type, "upTo" in which ? `to ${which.upTo}` : which.notificationId]);
    },
    fetch: async (page) => {
      asked.push(page.cursor);
      return pages.shift();
    },
    fetchChanges: async ({after}) => {
      asked.push(`changes ${after}`);
      return changes.shift();
    },
  });
  /** @type {string[]} */
  const events = [];
  for (const type of ["arrive", "amend", "seen", "gone"]) {
    notifications.addEventListener(type, (event) => {
      const {notice, id} = /** @type {CustomEvent} */ (event).detail;
      events.push(`${type} ${id ?? notice.id}`);
    });
  }
  const ids = () => notifications.list.map(({id}) => id);
  return {notifications, told, answers, pages, changes, asked, events, ids};
}

test("each arrives once, the newest stands first", () => {
  const {notifications, events, ids} = make();
  for (const id of [1, 2, 1, 2]) notifications.receive(notice(id));
  assert.deepEqual(events, ["arrive 1", "arrive 2"]);
  assert.deepEqual(ids(), [2, 1]);
  assert.equal(notifications.unseen, 2);
});

test("one that comes again with other words is amended", () => {
  const {notifications, events} = make();
  notifications.receive(notice(1));
  notifications.receive(notice(1, {message: "half of it"}));
  assert.deepEqual(events, ["arrive 1", "amend 1"]);
});

test("what was seen is told once, and again only where the connection was lost before the answer", async () => {
  const {notifications, told, answers, pages} = make();
  notifications.receive(notice(1));
  answers.push("connection_lost");
  notifications.markSeen(1);
  notifications.markSeen(1);
  await turn();
  assert.deepEqual([told, notifications.unseen], [[], 0]);
  pages.push({notifications: [notice(1)], unseen: 1, next: null}); // from before it knew
  notifications.applyReady({unseen: 1});
  notifications.receive(notice(1));
  await turn();
  assert.deepEqual(told, [["seen", 1]]);
  assert.equal(notifications.unseen, 0);
});

test("a busy server is told again by itself", async () => {
  const {notifications, told, answers} = make();
  notifications.receive(notice(1));
  answers.push("busy");
  notifications.dismiss(1);
  await turn();
  assert.deepEqual(told, []);
  clock.tick(5000);
  await turn();
  assert.deepEqual(told, [["dismiss", 1]]);
});

test("what the server does not know any more is not told for ever", async () => {
  const {notifications, told, answers} = make();
  for (const id of [1, 2]) notifications.receive(notice(id));
  answers.push("not_found");
  notifications.dismiss(1);
  notifications.dismiss(2);
  await turn();
  assert.deepEqual(told, [["dismiss", 2]]);
});

test("what was dismissed does not come back, in whatever order the server says it", () => {
  const {notifications, events, ids} = make();
  notifications.receive(notice(1));
  notifications.applyDismissed(1);
  notifications.receive(notice(1));
  notifications.applyDismissed(2);
  notifications.receive(notice(2));
  assert.deepEqual(events, ["arrive 1", "gone 1"]);
  assert.deepEqual(ids(), []);
});

test("the number counts what is still at the server", () => {
  const {notifications} = make();
  notifications.applyReady({unseen: 60});
  assert.equal(notifications.unseen, 60);
  for (let id = 1; id <= 50; id++) notifications.receive(notice(id));
  assert.equal(notifications.unseen, 60);
  notifications.receive(notice(61)); // a new one
  assert.equal(notifications.unseen, 61);
  notifications.applySeen(55); // one of those that were not sent
  notifications.markSeen(61);
  assert.equal(notifications.unseen, 59);
});

test("the list comes page by page, and what is missing in it was dismissed elsewhere", async () => {
  const {notifications, pages, asked, events, ids} = make();
  for (const id of [8, 9]) notifications.receive(notice(id));
  pages.push({notifications: [notice(9), notice(7, {seen: true})], unseen: 1, next: "c"}, {notifications: [notice(6, {seen: true})], unseen: 1, next: null});
  await notifications.load();
  assert.deepEqual(ids(), [9, 7]);
  assert.deepEqual(events, ["arrive 8", "arrive 9", "gone 8"]);
  assert.equal(notifications.hasMore, true);
  await notifications.loadMore();
  assert.deepEqual(asked, [undefined, "c"]);
  assert.deepEqual([ids(), notifications.hasMore, notifications.unseen], [[9, 7, 6], false, 1]);
});

test("what comes while the list is on its way stays", async () => {
  const {notifications, pages, ids} = make();
  pages.push({notifications: [], unseen: 0, next: null});
  const loaded = notifications.load();
  notifications.receive(notice(1));
  await loaded;
  assert.deepEqual(ids(), [1]);
  assert.equal(notifications.unseen, 1);
});

test("what the list brings before its event does arrives once, unless somebody has seen it", async () => {
  const {notifications, pages, events} = make();
  pages.push({notifications: [notice(2, {seen: true}), notice(1)], unseen: 1, next: null});
  await notifications.load();
  for (const id of [1, 2, 1]) notifications.receive(notice(id));
  assert.deepEqual(events, ["arrive 1"]);
});

test("what is out of date goes by itself, and does not come", () => {
  const {notifications, events, ids} = make();
  notifications.receive(notice(1, {expires: new Date(Date.now() - 1).toISOString()}));
  assert.deepEqual(events, []);
  const soon = Date.now() + 60;
  notifications.receive(notice(2, {expires: new Date(soon).toISOString()}));
  while (Date.now() < soon); // the timer is ours, the time is not
  clock.tick(60_000);
  assert.deepEqual([events, ids()], [["arrive 2", "gone 2"], []]);
});

test("one without a number of the server is shown, and nobody is told of it", async () => {
  const {notifications, told, events} = make();
  notifications.receive({message: "Your parcel is on its way."});
  const [{id}] = notifications.list;
  notifications.markSeen(id);
  notifications.dismiss(id);
  await turn();
  assert.deepEqual(told, []);
  assert.deepEqual(events.map((event) => event.split(" ")[0]), ["arrive", "gone"]);
});

test("the ids of another epoch name others", async () => {
  const {notifications, told, answers, pages, events, ids} = make();
  pages.push({notifications: [notice(1, {message: "another"})], unseen: 1});
  notifications.applyReady({unseen: 2, epoch: "one"});
  notifications.receive(notice(1));
  notifications.receive(notice(2));
  notifications.dismiss(2);
  await turn();
  answers.push("connection_lost");
  notifications.markSeen(1);
  await turn();
  notifications.applyReady({unseen: 1, epoch: "two"});
  notifications.receive(notice(1, {message: "another"}));
  await turn();
  assert.deepEqual([ids(), notifications.list[0].message], [[1], "another"]);
  assert.deepEqual(told, [["dismiss", 2]], "nothing is told of the other epoch's");
  assert.deepEqual(events, ["arrive 1", "arrive 2", "gone 2", "gone 1", "arrive 1"]);
});

test("what expires does so by the server's clock, however wrong the page's is", () => {
  for (const wrong of [-600_000, 600_000]) {
    const {notifications, ids} = make();
    const server = (/** @type {number} */ after) => new Date(Date.now() + wrong + after).toISOString();
    notifications.applyReady({unseen: 1, timestamp: server(0)});
    notifications.receive(notice(1, {expires: server(300_000)}));
    notifications.receive(notice(2, {expires: server(-1)}));
    assert.deepEqual(ids(), [1], `the server is ${wrong} ms ahead`);
    notifications.applyClock({timestamp: server(300_001)});
    clock.tick(0);
    assert.deepEqual(ids(), []);
  }
});

test("what was seen or dismissed elsewhere while there was no connection is caught up with, beyond the first page too", async () => {
  const {notifications, pages, changes, asked, events, ids} = make();
  notifications.applyReady({unseen: 4, notificationChange: 3});
  for (const id of [1, 2, 3, 4]) notifications.receive(notice(id));
  notifications.noteChange(4);
  events.length = 0;
  changes.push(
    {changes: [{change: 5, notificationId: 1, seen: true, dismissed: true}], change: 6, more: true, incomplete: false},
    {changes: [{change: 6, notificationId: 2, seen: true, dismissed: false}], change: 6, more: false, incomplete: false},
  );
  pages.push({notifications: [notice(4), notice(3)], unseen: 2, next: "c"});
  notifications.applyReady({unseen: 2, notificationChange: 6});
  await turn();
  await turn();
  assert.deepEqual(asked, ["changes 4", "changes 5", undefined]);
  assert.deepEqual(events.slice(0, 2), ["gone 1", "seen 2"]);
  assert.deepEqual(ids(), [4, 3, 2]);
  assert.equal(notifications.unseen, 2);
  pages.push({notifications: [notice(4), notice(3), notice(2, {seen: true})], unseen: 2, next: null});
  notifications.applyReady({unseen: 2, notificationChange: 6});
  await turn();
  assert.equal(asked.length, 4, "there was nothing to catch up with");
});

test("seen up to one on another screen is seen here", () => {
  const {notifications} = make();
  for (const id of [1, 2, 3]) notifications.receive(notice(id));
  notifications.applySeenUpTo(2);
  assert.equal(notifications.unseen, 1);
});

test("all are seen at once, and dismissed at once, those too that are not here", async () => {
  const {notifications, told, answers, ids} = make();
  notifications.applyReady({unseen: 60});
  for (let id = 11; id <= 60; id += 1) notifications.receive(notice(id));
  assert.equal(notifications.unseen, 60);
  notifications.markAllSeen();
  assert.equal(notifications.unseen, 0);
  await turn();
  assert.deepEqual(told, [["seen", "to 60"]]);
  answers.push("connection_lost");
  notifications.dismissAll();
  assert.deepEqual(ids(), []);
  assert.equal(notifications.hasMore, false);
  await turn();
  notifications.receive(notice(60));
  assert.deepEqual(ids(), [], "what was dismissed does not come back");
  notifications.receive(notice(61));
  notifications.applyReady({unseen: 0});
  await turn();
  assert.deepEqual(told, [["seen", "to 60"], ["dismiss", "to 60"]]);
  assert.deepEqual(ids(), [61], "what came later stays");
});

test("all up to one that were dismissed elsewhere are gone", () => {
  const {notifications, ids} = make();
  notifications.applyReady({unseen: 0});
  for (const id of [1, 2, 3]) notifications.receive(notice(id));
  notifications.applyDismissedUpTo(2);
  assert.deepEqual(ids(), [3]);
});
