/**
 * Owns the terminal: `node main.js http://127.0.0.1:8000 alice [password]`. A line is sent to whom `/to` named last.
 *
 * With `--json` each thing that happens is printed as one line of JSON, for programs.
 */

import {createInterface} from "node:readline";
import {ChatClient} from "./client.js";

const options = process.argv.slice(2).filter((each) => each.startsWith("--"));
const [url, userId, password] = process.argv.slice(2).filter((each) => !each.startsWith("--"));
if (!userId) {
  console.error("Usage: node main.js URL NAME [PASSWORD] [--json]");
  process.exit(2);
}

const chat = new ChatClient(url);
let to = null;

const LINES = {
  online: () => "* online",
  offline: ({code, retryMs}) => `* offline (${code}), the next try in ${Math.round(retryMs)} ms`,
  message: ({fromUserId, toUserId, seq, message}) => `${fromUserId} → ${toUserId} #${seq}: ${message}`,
  receipt: ({userId, withUserId, received, read}) => `* ${userId} has received #${received} and read #${read} with ${withUserId}`,
  typing: ({fromUserId}) => `* ${fromUserId} is typing`,
  presence: ({userId, status}) => `* ${userId} is ${status}`,
  notification: ({id, message}) => `! ${id}: ${message}`,
  dismissed: ({id}) => `! ${id} is dismissed`,
  seen: ({id}) => `! ${id} was seen`,
  reset: () => "* a backup was restored: everything is fetched anew",
  renewed: () => "* the session goes on",
  warning: ({code, message}) => `* ${code}: ${message}`,
  ended: ({code}) => `* this session has ended: ${code}. Sign in again.`,
  sent: ({seq, message}) => `* stored as #${seq}: ${message}`,
  answer: (answer) => JSON.stringify(answer),
};

function say(what, fields = {}) {
  console.log(options.includes("--json") ? JSON.stringify({what, ...fields}) : LINES[what](fields));
}

const COMMANDS = {
  to: (name) => void (to = name),
  read: (name) => chat.read(name || to),
  typing: () => chat.typing(to),
  search: async (text) => say("answer", await chat.search(text)),
  list: () => say("answer", chat.summary()),
  dismiss: (id) => chat.dismiss(Number(id)),
  seen: (id) => chat.seen(Number(id)),
  renew: () => chat.renew(),
  quit: () => chat.close(),
};

async function obey(line) {
  const [, name, rest] = /^\/(\w+) ?(.*)$/s.exec(line) ?? [];
  if (name in COMMANDS) await COMMANDS[name](rest);
  else if (line && to) say("sent", {message: line, ...(await chat.send(to, line))});
}

for (const what of Object.keys(LINES)) chat.on(what, (fields) => say(what, fields));
chat.on("ended", () => process.exit(3));
await chat.signIn(userId, password).catch((error) => {
  console.error(error instanceof TypeError ? `No server answers at ${url}: ${error.cause?.code ?? error.message}` : error.message);
  process.exit(1);
});
const input = createInterface({input: process.stdin});
input.on("line", (line) => obey(line).catch(({code, message}) => say("warning", {code, message})));
input.on("close", () => chat.close());
