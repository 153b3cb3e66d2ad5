// @ts-check
/** Owns where a new day meets the page: what says "today" is said anew at midnight, and where a page slept past it. */
import {language} from "../language.js";
import {isSameDay, msToMidnight} from "../models/calendar.js";

/** A timer may fire a little early. */
const AFTER_MIDNIGHT_MS = 500;

/** Watches from now on. */
export function wireCalendar() {
  let day = new Date();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const look = () => {
    clearTimeout(timer);
    timer = setTimeout(look, msToMidnight() + AFTER_MIDNIGHT_MS);
    if (isSameDay(day, new Date())) return;
    day = new Date();
    language.dispatchEvent(new Event("change")); // who wrote a day writes it anew
  };
  document.addEventListener("visibilitychange", look);
  window.addEventListener("pageshow", look);
  look();
}
