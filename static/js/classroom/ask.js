// @ts-check
/** Owns the requests of class mode's pages, and what they say of one that failed. */
import {sayWhole} from "../language.js";
import {say} from "../learn/say.js";

/** Sends it as JSON. Throws an Error whose message is for people. @param {string | URL} address @param {Record<string, unknown>} [body] without one it is a GET @returns {Promise<any>} */
export async function ask(address, body) {
  const options = body && {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)};
  const answer = await fetch(address, options).catch(() => undefined);
  const said = await answer?.json().catch(() => undefined);
  if (!said) throw new Error(say("class.unreached"));
  if (said.error) throw new Error(sayWhole(said.error));
  return said;
}
