// @ts-check
/** Owns what stands above the messages held: that more are fetched, why they did not come, or that it begins there. */
import {say, sayWhole} from "../language.js";
import {part} from "./parts.js";

/** @param {HTMLElement} edge @param {import("../models/conversation.js").Conversation} conversation */
export function drawEdge(edge, {isAtStart, loading, isStuck, problem, messages, firstSeq}) {
  edge.dataset.edge = isAtStart ? "start" : loading === "older" ? "loading" : "more";
  part(edge, ".loading", HTMLElement).hidden = loading !== "older";
  part(edge, ".earlier", HTMLElement).hidden = isAtStart || loading === "older" || !isStuck;
  part(edge, ".problem", HTMLElement).textContent = problem ? sayWhole(problem) : "";
  const beginning = part(edge, ".beginning", HTMLElement);
  beginning.hidden = !isAtStart || !messages.length;
  if (!beginning.hidden) beginning.textContent = say(firstSeq > 1 ? "conversation.erased" : "conversation.beginning");
}
