// @ts-check
/** Owns the last step: a notification, an event of one's own, and how a program says it from outside. */
import {me, Pupil} from "../pupil.js";
import {find, tell} from "../say.js";

const log = find("#log", HTMLElement);
const buttons = ["#push", "#wave"].map((id) => find(id, HTMLButtonElement));

const pupil = new Pupil({
  open: () => pupil.init(),
  ready: () => {
    for (const button of buttons) button.disabled = false;
  },
  notification: (event) => tell(log, JSON.stringify(event)),
  wave: (event) => tell(log, JSON.stringify(event)),
  close: ({code}) => tell(log, "closed", {code}),
});

buttons[0].addEventListener("click", async () => {
  const {sockets} = await pupil.ask({type: "learn", do: "notify"});
  tell(log, "notify.reached", {sockets});
});
buttons[1].addEventListener("click", async () => {
  const {seen} = await pupil.ask({type: "wave", text: "👋"});
  tell(log, "notify.reached", {sockets: seen});
});

const {auth, root} = document.documentElement.dataset;
/** The server's address for programs, and who is told. */
const [address, user] = [`${location.origin}${root}api/notifications`, me ?? "bob"];
// Who came by the network, and a class's pupil, has no terminal in the server's folder.
find("#outside", HTMLElement).hidden = auth === "site" || !["127.0.0.1", "localhost", "[::1]"].includes(location.hostname);
find("#shell", HTMLElement).textContent = `curl ${address} \\
  -H "Authorization: Bearer $(flask --app app chat token --service ci)" \\
  -H "Content-Type: application/json" \\
  -d '{"toUserId": "${user}", "message": "안녕"}'`;
find("#python", HTMLElement).textContent = `import json, subprocess, sys, urllib.request
command = [sys.executable, "-m", "flask", "--app", "app", "chat", "token", "--service", "ci"]
token = subprocess.check_output(command, text=True).strip()
headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
event = json.dumps({"toUserId": "${user}", "message": "안녕"}).encode()
request = urllib.request.Request("${address}", event, headers)
print(urllib.request.urlopen(request).read().decode())`;
