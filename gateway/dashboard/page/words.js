// Numbers with their units, in as many digits as somebody can use. What is not known is a dash.

export const UNKNOWN = "–";

const digits = (value, many) => value.toLocaleString("en", { minimumFractionDigits: many, maximumFractionDigits: many });

/** Seconds: 340 µs, 82 ms, 1.25 s, 3.1 min. */
export function seconds(value) {
  if (value === null || value === undefined) return UNKNOWN;
  const size = Math.abs(value);
  if (size === 0) return "0 s";
  if (size < 0.00995) return size < 0.000995 ? `${digits(value * 1e6, 0)} µs` : `${digits(value * 1e3, 1)} ms`;
  if (size < 0.9995) return `${digits(value * 1e3, 0)} ms`;
  if (size < 120) return `${digits(value, size < 9.995 ? 2 : 1)} s`;
  return size < 7200 ? `${digits(value / 60, 0)} min` : `${digits(value / 3600, 1)} h`;
}

/** A limit somebody has set: without digits that nobody wrote, so 4 s and not 4.00 s. */
export const limit = (value) => seconds(value).replace(/\.0+(?= )/, "");

/** A share of 1: 99.3 %. */
export function percent(value, many = 1) {
  if (value === null || value === undefined) return UNKNOWN;
  const whole = value === 1 || value === 0;
  return `${digits(100 * value, whole ? 0 : many)} %`;
}

/** A count or a rate: 0.4, 12.5, 340, 12.4 k. */
export function number(value) {
  if (value === null || value === undefined) return UNKNOWN;
  if (value >= 1e6) return `${digits(value / 1e6, 1)} M`;
  if (value >= 1e4) return `${digits(value / 1e3, 1)} k`;
  return digits(value, Number.isInteger(value) || value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

export const bytes = (value) => (value === null ? UNKNOWN : `${digits(value / 2 ** 20, 0)} MiB`);

/** A time somebody waits for, or looks back on, in whole seconds: 7 s, 1 min 20 s, 2 h 5 min. */
export function duration(value) {
  const whole = Math.max(0, Math.round(value));
  if (whole < 60) return `${whole} s`;
  if (whole < 600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 172800) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} days`;
}

export const ago = (value) => (value === null || value === undefined ? UNKNOWN : `${duration(value)} ago`);

/** `rate_limited` as people say it. */
export const plain = (word) => (word ?? "").replaceAll("_", " ");

export const clock = (milliseconds) => new Date(milliseconds).toLocaleTimeString("en-GB");
