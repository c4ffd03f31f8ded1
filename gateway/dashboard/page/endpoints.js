// The board of endpoints: state with its reason, slots and queue, speed with samples and age, errors, headroom.

import { byId, el, fill } from "./dom.js";
import { ago, duration, number, percent, plain, seconds } from "./words.js";

const MOODS = { in: "good", "easing in": "warn", paused: "warn", due: "bad", "on trial": "bad", out: "bad" };
const HEADS = ["Endpoint", "State", "Slots", "First token", "Answered", "Failures", "Rate limits"];

export function drawEndpoints(now) {
  byId("endpoints-hint").textContent = `speed and failures of the last ${Math.round(now.over_s)} s`;
  fill(byId("endpoint-table"), [
    el("caption", { class: "unseen" }, "Endpoints"),
    el("thead", {}, el("tr", {}, HEADS.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, now.endpoints.map(row)),
  ]);
}

function row(one) {
  return el(
    "tr", { "data-mood": MOODS[one.state] },
    el("th", { scope: "row" }, one.name, el("small", {}, `${one.model} · ${one.region} · ${one.provider}`)),
    cell(1, ...state(one)),
    cell(2, ...slots(one)),
    cell(3, ...speed(one)),
    cell(4, el("span", {}, one.attempts ? percent(one.answered / Math.max(1, one.attempts - one.cancelled)) : "–"), el("small", {}, `of ${number(one.attempts)}`)),
    cell(5, ...failures(one)),
    cell(6, ...headroom(one)),
  );
}

/** On a narrow screen a row becomes a block, and each cell says what it is. */
const cell = (place, ...children) => el("td", { "data-head": HEADS[place] }, ...children);

function state(one) {
  const left = one.until_s ? `, ${duration(Math.ceil(one.until_s))} left` : "";
  const parts = [el("span", { class: "pill", "data-mood": MOODS[one.state] }, `${one.state}${left}`)];
  if (one.why) parts.push(el("small", {}, one.why));
  else if (one.last_trouble) parts.push(el("small", {}, `was out ${ago(one.last_trouble_age_s)}: ${one.last_trouble}`));
  return parts;
}

function slots(one) {
  const queue = one.waiting ? `${number(one.waiting)} waiting` : one.shed ? `${number(one.shed)} sent away so far` : null;
  if (one.limit === null) return [el("span", {}, `${number(one.in_flight)} in flight`), el("small", {}, "no limit")];
  return [
    el("span", { class: "slots" },
      el("meter", { min: "0", max: String(one.limit), low: String(0.7 * one.limit), high: String(0.9 * one.limit), optimum: "0", value: String(Math.min(one.used, one.limit)), "aria-label": `Slots of ${one.name}` }),
      el("span", {}, `${one.used}/${one.limit}`)),
    queue ? el("small", { "data-mood": one.waiting ? "warn" : null }, queue) : null,
  ];
}

function speed(one) {
  const { ttft } = one;
  const measured = ttft.samples ? `p50 ${seconds(ttft.p50)} · p95 ${seconds(ttft.p95)}` : "nothing measured";
  const known = one.age_s === null ? "profile only" : `of ${number(ttft.samples)}, last ${ago(one.age_s)}`;
  return [el("span", { class: "nowrap" }, measured), el("small", {}, `${known} · expects ${seconds(one.expected_ttft_s)}`)];
}

function failures(one) {
  const reasons = Object.entries(one.failures).sort((a, b) => b[1] - a[1]);
  if (reasons.length) return reasons.slice(0, 3).map(([reason, count]) => el("span", { class: "reason" }, `${plain(reason)} `, el("b", {}, number(count))));
  return one.last_failure ? [el("small", {}, `none; last ${plain(one.last_failure)} ${ago(one.last_failure_age_s)}`)] : [el("small", {}, "none")];
}

function headroom(one) {
  if (!one.headroom.length) return [el("small", {}, "not told")];
  return one.headroom.map((rate) =>
    el("span", { class: "reason" }, `${rate.kind} `, el("b", {}, number(rate.remaining)), rate.limit === null ? "" : ` of ${number(rate.limit)}`,
      rate.resets_in_s ? el("small", {}, `whole in ${duration(Math.ceil(rate.resets_in_s))}`) : null));
}
