import assert from "node:assert/strict";
import {afterEach, beforeEach, test} from "node:test";
import {FakeClock} from "./globals.js";
import {ChatError} from "../../static/js/chat-socket.js";
import {Search} from "../../static/js/models/search.js";

/** @type {FakeClock} */
let clock;
beforeEach(() => (clock = new FakeClock()));
afterEach(() => clock.restore());

/** Lets promises that are settled go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

class FakeApi {
  /** @type {string[]} */
  asked = [];
  /** @type {Map<string, any>} `q` or cursor -> page */
  pages = new Map();
  /** @type {string[]} */
  names = [];

  /** @param {{q: string, cursor?: string | null}} page */
  async search({q, cursor}) {
    this.asked.push(cursor ?? q);
    const page = this.pages.get(cursor ?? q);
    if (page instanceof Error) throw page;
    return page ?? {messages: [], next: null};
  }

  async users() {
    return {users: this.names.map((userId) => ({userId, presence: "online"}))};
  }
}

function make() {
  const api = new FakeApi();
  const search = new Search(/** @type {any} */ (api));
  /** @type {any[]} */
  const found = [];
  search.addEventListener("found", (event) => found.push(structuredClone(/** @type {CustomEvent} */ (event).detail)));
  return {api, search, found};
}

test("the server is asked once somebody has stopped typing", async () => {
  const {api, search, found} = make();
  for (const typed of ["h", "he", "hel", " hel "]) search.search(typed);
  clock.tick(150);
  await turn();
  assert.deepEqual(api.asked, ["hel"]);
  assert.equal(found.length, 1);
});

test("an answer that comes too late is passed over", async () => {
  const {api, search, found} = make();
  api.pages.set("old", {messages: [{seq: 1}], next: null});
  search.search("old");
  clock.tick(150);
  search.search("new");
  await turn();
  clock.tick(150);
  await turn();
  assert.deepEqual(found.map(({wanted}) => wanted), ["new"]);
});

test("further messages are added to those found, and names are asked for once", async () => {
  const {api, search, found} = make();
  api.names = ["bob"];
  api.pages.set("hi", {messages: [{seq: 3}, {seq: 2}], next: "c"});
  api.pages.set("c", {messages: [{seq: 1}], next: null});
  search.search("hi");
  clock.tick(150);
  await turn();
  await Promise.all([search.loadMore(), search.loadMore()]);
  await search.loadMore();
  assert.deepEqual(api.asked, ["hi", "c"]);
  assert.deepEqual(found.at(-1).messages.map(({seq}) => seq), [3, 2, 1]);
  assert.deepEqual(found.map(({isComplete}) => isComplete), [false, true]);
  assert.deepEqual(found.at(-1).people, [{userId: "bob", presence: "online"}]);
});

test("a failure is told, and emptying the field ends the search at once", async () => {
  const {api, search, found} = make();
  /** @type {() => ChatError | undefined} */
  let problem = () => undefined;
  search.addEventListener("found", (event) => (problem = () => /** @type {CustomEvent} */ (event).detail.problem));
  api.pages.set("hi", new ChatError("unavailable", "Later."));
  search.search("hi");
  clock.tick(150);
  await turn();
  assert.equal(problem()?.code, "unavailable");
  search.search("");
  assert.deepEqual([found.at(-1).wanted, found.at(-1).problem], ["", undefined]);
});
