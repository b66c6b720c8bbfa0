// Formats numbers and times for charts: short, in 24-hour format and the browser's time zone.
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });
const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

const written = (format) => (seconds) => format.format(new Date(seconds * 1000));

export const timeOf = written(time);
export const dayOf = written(day);
export const momentOf = (seconds) => `${dayOf(seconds)}, ${timeOf(seconds)}`;
export const figure = (value, unit) => (value == null ? "–" : `${compact.format(value)}${unit}`);
