import assert from "node:assert/strict";
import {test} from "node:test";

process.env.TZ = "America/New_York";
const {isOfLastDays, isYesterday, msToMidnight} = await import("../../static/js/models/calendar.js");

test("yesterday is the day before, also where a clock changes", () => {
  // 2026: forward on March 8 (23 hours), back on November 1 (25 hours).
  for (const [now, yesterday] of [["2026-03-09T00:30", "2026-03-08T12:00"], ["2026-03-09T23:30", "2026-03-08T00:10"],
    ["2026-11-01T23:30", "2026-10-31T20:00"], ["2026-11-02T00:10", "2026-11-01T00:10"], ["2026-01-01T08:00", "2025-12-31T23:59"]]) {
    assert.equal(isYesterday(new Date(yesterday), new Date(now)), true, now);
  }
  assert.equal(isYesterday(new Date("2026-03-07T23:40"), new Date("2026-03-09T00:30")), false);
});

test("midnight is where the calendar has it", () => {
  assert.equal(msToMidnight(new Date("2026-03-08T00:00")), 23 * 3_600_000);
  assert.equal(msToMidnight(new Date("2026-11-01T00:00")), 25 * 3_600_000);
});

test("a weekday names one day alone: of the last six before today", () => {
  const now = new Date("2026-03-09T12:00"); // a Monday, the day after a clock went forward
  assert.equal(isOfLastDays(new Date("2026-03-03T00:00"), now), true, "last Tuesday");
  assert.equal(isOfLastDays(new Date("2026-03-02T23:59"), now), false, "a Monday too");
  assert.equal(isOfLastDays(new Date("2026-03-10T00:00"), now), false, "a clock was ahead");
});
