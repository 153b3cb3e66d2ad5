// @ts-check
/** Owns the last step: a notification, an event of one's own, and how a program says it from outside. */
import {me, Pupil} from "../pupil.js";
import {find, inEachLanguage, tell} from "../say.js";

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

inEachLanguage(() => {
  find("#shell", HTMLElement).textContent = [
    `flask --app app chat notify ${me ?? "bob"} "안녕"`, "",
    "flask --app app chat token --service ci > token",
    `curl ${location.origin}${document.documentElement.dataset.root}api/notifications \\`,
    '  -H "Authorization: Bearer $(cat token)" -H "Content-Type: application/json" \\',
    `  -d '{"toUserId": "${me ?? "bob"}", "message": "안녕"}'`,
  ].join("\n");
});
