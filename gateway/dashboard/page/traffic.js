// Slots and queues, second tries by their reasons, and the sizes of prompts and answers.

import { Chart, asText, colour, colourOf } from "./charts.js";
import { byId } from "./dom.js";
import { merged, middle, quantiles, total } from "./histogram.js";
import { span } from "./latency.js";
import { ofRoute, sum } from "./store.js";
import { clock, number, percent, plain } from "./words.js";

const KINDS = [["retries", "retry", "p50"], ["fallbacks", "fallback", "p95"], ["failures", "failed", "p99"]];
const COARSE = 12; // buckets a bar: half an octave

export class Traffic {
  constructor(store) {
    this.store = store;
    this.slots = new Chart(byId("slots"), "Slots and queues");
    this.detours = new Chart(byId("detours"), "Retries, fallbacks, hedges, failures");
    this.sizes = new Chart(byId("sizes"), "Prompt and answer tokens");
  }

  draw(route, window) {
    const points = this.store.points(window);
    this.#fleet(window);
    this.#reasons(points, route);
    this.#tokens(points, route);
  }

  #fleet(window) {
    const { now, slots } = this.store;
    const kept = slots.filter((one) => one.at_s > now.now_s - window);
    const at = kept.map((one) => new Date(this.store.wallMs(one.at_s)));
    const line = (name, field, more) => ({ x: at, y: kept.map((one) => one[field]), name, mode: "lines", hovertemplate: "%{y}", ...more });
    const last = kept.at(-1);
    this.slots.show(
      [
        line("in flight", "used", { fill: "tozeroy", fillcolor: colour("wash"), line: { color: colour("p50"), width: 2 } }),
        line("waiting", "waiting", { line: { color: colour("p99"), width: 2 } }),
        ...(last.limit === null ? [] : [line("slots", "limit", { line: { color: colour("muted"), width: 1, dash: "dash" } })]),
      ],
      { xaxis: { ...span(at), nticks: 3 } },
      {
        note: `${last.used} in flight, ${last.waiting} waiting${last.limit === null ? "" : `, ${last.limit} slots`}; since this page was opened`,
        heads: ["Time", "#in flight", "#waiting"],
        rows: kept.map((one, place) => [clock(at[place]), String(one.used), String(one.waiting)]).reverse().slice(0, 60),
      },
    );
  }

  #reasons(points, route) {
    const bins = points.flatMap((point) => point.bins);
    const bars = [];
    const rows = [];
    for (const [field, word, shade] of KINDS) {
      const reasons = new Map();
      for (const counts of ofRoute(bins, route, field)) {
        for (const reason in counts) reasons.set(reason, (reasons.get(reason) ?? 0) + counts[reason]);
      }
      for (const [reason, count] of reasons) bars.push({ label: `${word}: ${plain(reason)}`, count, shade });
    }
    const hedges = sum(ofRoute(bins, route, "hedges"));
    const won = sum(ofRoute(bins, route, "hedges_won"));
    if (hedges) bars.push({ label: "hedge: won", count: won, shade: "series-3" }, { label: "hedge: lost", count: hedges - won, shade: "muted" });
    bars.sort((one, other) => one.count - other.count);
    for (const bar of bars) rows.unshift([bar.label, number(bar.count)]);
    const kept = bars.slice(-8);
    const calls = sum(ofRoute(bins, route, "calls"));
    const attempts = sum(ofRoute(bins, route, "attempts"));
    this.detours.show(
      [{ type: "bar", orientation: "h", x: kept.map((bar) => bar.count), y: kept.map((bar) => asText(bar.label)), text: kept.map((bar) => number(bar.count)), textposition: "outside", cliponaxis: false, marker: { color: kept.map((bar) => colour(bar.shade)) }, hoverinfo: "skip" }],
      { showlegend: false, xaxis: { showgrid: true, nticks: 4, rangemode: "tozero" }, yaxis: { showgrid: false }, bargap: 0.35, margin: { l: 44, r: 34, t: 8, b: 28 } },
      {
        note: calls ? `${number(attempts)} attempts for ${number(calls)} calls: ${(attempts / calls).toFixed(2)} each${hedges ? `; ${percent(won / hedges)} of ${hedges} hedges won` : ""}` : "no calls in this window",
        heads: ["Why", "#how often"],
        rows,
      },
    );
  }

  #tokens(points, route) {
    const bins = points.flatMap((point) => point.bins);
    const traces = [];
    const rows = [];
    for (const [field, name, series] of [["prompt", "prompts", "prompt"], ["answer", "answers", "answer"]]) {
      const counts = merged(ofRoute(bins, route, field));
      const all = total(counts);
      if (!all) continue;
      const bars = new Map();
      for (const [bucket, count] of counts) bars.set(Math.floor(bucket / COARSE), (bars.get(Math.floor(bucket / COARSE)) ?? 0) + count);
      const cells = [...bars.keys()];
      traces.push({ type: "bar", name, x: cells.map((cell) => Math.log2(middle((cell + 0.5) * COARSE))), y: cells.map((cell) => bars.get(cell) / all), customdata: cells.map((cell) => `${percent(bars.get(cell) / all)} near ${number(Math.round(middle((cell + 0.5) * COARSE)))} tokens`), hovertemplate: "%{customdata}", marker: { color: colourOf(series) }, opacity: 0.75 });
      rows.push([name, ...quantiles(counts, [0.5, 0.95, 0.99]).map((value) => number(Math.round(value))), number(all)]);
    }
    const marks = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20];
    this.sizes.show(
      traces,
      { barmode: "overlay", bargap: 0.05, hovermode: "closest", xaxis: { tickmode: "array", tickvals: marks, ticktext: marks.map((power) => (power < 10 ? String(2 ** power) : `${2 ** (power - 10)} k`)) }, yaxis: { tickformat: ".0%" } },
      { note: rows.map((row) => `${row[0]}: p50 ${row[1]} · p95 ${row[2]}, of ${row[4]}`).join("; "), heads: ["", "#p50", "#p95", "#p99", "#of"], rows },
    );
  }
}
