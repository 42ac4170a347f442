// Points in time as the reader's locale writes them. Pure but for the locale and the time zone.

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const calendarWithYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

const shortDate = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" });

const DATE_MAX_MS = 8.64e15; // ECMA-262 §21.4.1.1

/** The wire's seconds as milliseconds; `undefined` when that is no date. */
export function millis({ timestamp }) {
  const at = timestamp * 1000;
  return typeof timestamp === "number" && Math.abs(at) <= DATE_MAX_MS ? at : undefined;
}

/** The same of another date on the wire, which may be missing. */
export function moment(seconds) {
  return millis({ timestamp: seconds });
}

/** A point in time to come or gone by, as short as it can be told. */
export function momentText(at, now) {
  return sameDay(at, now) ? clockText(at) : shortDate.format(at);
}

export function clockText(at) {
  return clock.format(at);
}

export function exactText(at) {
  return exact.format(at);
}

/** "Today", "Yesterday", or the day's name; with the year when it is another one. */
export function dayText(at, now) {
  const yesterday = new Date(now);
  yesterday.setDate(yesterday.getDate() - 1);
  if (sameDay(at, now)) {
    return "Today";
  }
  if (sameDay(at, yesterday)) {
    return "Yesterday";
  }
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return (isThisYear ? calendar : calendarWithYear).format(at);
}

/** The day in the reader's own time zone, as `datetime` wants it. */
export function dayIso(at) {
  const day = new Date(at);
  const two = (number) => String(number).padStart(2, "0");
  return `${String(day.getFullYear()).padStart(4, "0")}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}

export function sameDay(one, other) {
  return one !== undefined && other !== undefined && new Date(one).toDateString() === new Date(other).toDateString();
}

/** When the reader's next day begins. */
export function midnightAfter(at) {
  return new Date(at).setHours(24, 0, 0, 0);
}

/** A duration in the unit a person would use, rounded up. */
export function duration(ms) {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  if (seconds < 90) {
    return seconds === 1 ? "1 second" : `${seconds} seconds`;
  }
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}
