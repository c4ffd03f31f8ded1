// Time to the first token and end to end: over time, and by percentile with the nines on the axis.

import { Chart, asText, colour, colourOf, isNarrow } from "./charts.js";
import { byId } from "./dom.js";
import { merged, nines, quantiles, total } from "./histogram.js";
import { ofRoute, sum } from "./store.js";
import { clock, limit as inWords, number, percent, seconds } from "./words.js";

const SHARES = [0.5, 0.95, 0.99];
const NAMES = ["p50", "p95", "p99"];
const FEW = 20;
const MARKS = [0, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999];

export class Latency {
  /** brushed: called with two instants in seconds of the gateway's clock when somebody drags over a chart. */
  constructor(store, brushed) {
    this.store = store;
    this.ttft = new Chart(byId("ttft"), "Time to first token");
    this.total = new Chart(byId("total"), "End to end");
    this.nines = new Chart(byId("nines"), "Latency by percentile");
    this.rate = new Chart(byId("rate"), "Throughput");
    this.brushed = brushed;
  }

  draw(route, window) {
    const points = this.store.points(window);
    this.#overTime(this.ttft, "ttft", "ttft_s", points, route);
    this.#overTime(this.total, "total", "total_s", points, route);
    this.#byNines(points, route);
    this.#throughput(points, route);
  }

  #routes(route) {
    return this.store.now.routes.filter((one) => !route || one.name === route);
  }

  #overTime(chart, field, promise, points, route) {
    const at = points.map((point) => new Date(this.store.wallMs(point.at_s)));
    const told = points.map((point) => {
      const counts = merged(ofRoute(point.bins, route, field));
      return { samples: total(counts), values: quantiles(counts, SHARES) };
    });
    const traces = NAMES.map((name, place) => ({
      x: at,
      y: told.map((one) => one.values[place]),
      customdata: told.map((one, at) => `${seconds(one.values[place])}${place === 2 ? `   of ${one.samples}` : ""}`),
      hovertemplate: "%{customdata}",
      name,
      mode: "lines",
      connectgaps: false,
      line: { color: colour(name), width: place === 1 ? 2.5 : 1.6, dash: ["solid", "solid", "dot"][place] },
    }));
    const limits = [...new Set(this.#routes(route).map((one) => one.objective[promise]).filter((limit) => limit !== null))];
    const all = merged(points.flatMap((point) => ofRoute(point.bins, route, field)));
    chart.show(
      traces,
      {
        xaxis: span(at),
        yaxis: { tickformat: "~s", ticksuffix: "s" },
        shapes: limits.map((limit) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: limit, y1: limit, line: { color: colour("muted"), width: 1, dash: "dash" } })),
        annotations: limits.map((limit) => ({ xref: "paper", x: 1, y: limit, xanchor: "right", yanchor: "bottom", showarrow: false, text: `promised ${inWords(limit)}`, font: { size: 10, color: colour("muted") } })),
        dragmode: isNarrow() ? false : "select",
        selectdirection: "h",
      },
      {
        note: `${summary(all)}${told.at(-1)?.samples < FEW && total(all) ? " · few calls a point: its p95 and p99 are near its slowest" : ""}`,
        heads: ["Time", ...NAMES.map((name) => `#${name}`), "#answers"],
        rows: points.map((point, place) => [clock(at[place]), ...told[place].values.map(seconds), String(told[place].samples)]).reverse(),
      },
    );
    this.#listen(chart);
  }

  #listen(chart) {
    if (chart.listens || !chart.plot.on) return;
    chart.listens = true;
    chart.plot.on("plotly_selected", (event) => {
      if (!event?.range?.x) return;
      const [from, until] = event.range.x.map((text) => (new Date(text).getTime() - this.store.skewMs) / 1000);
      this.brushed(from, until);
      globalThis.Plotly.relayout(chart.plot, { selections: [] });
    });
  }

  #byNines(points, route) {
    const traces = [];
    const rows = [];
    let most = 2;
    for (const { name } of this.#routes(route)) {
      for (const [field, dash] of [["ttft", "solid"], ["total", "dot"]]) {
        const counts = merged(points.flatMap((point) => ofRoute(point.bins, name, field)));
        const all = total(counts);
        if (!all) continue;
        const shares = nines(all);
        const values = quantiles(counts, shares);
        most = Math.max(most, -Math.log10(1 - shares.at(-1)));
        const words = field === "ttft" ? "first token" : "end to end";
        traces.push({
          x: shares.map((share) => -Math.log10(1 - share)),
          y: values,
          customdata: shares.map((share, place) => `${seconds(values[place])} within ${percent(share, share > 0.99 ? 2 : 1)}`),
          hovertemplate: "%{customdata}",
          name: asText(`${name}, ${words}`),
          mode: "lines",
          line: { color: colourOf(name), width: 2, dash, shape: "hv" },
        });
        rows.push([`${name}, ${words}`, ...quantiles(counts, [0.5, 0.9, 0.95, 0.99, 0.999]).map(seconds), String(all)]);
      }
    }
    const marks = MARKS.filter((share) => !(isNarrow() && share === 0.95) && -Math.log10(1 - share) <= most);
    this.nines.show(
      traces,
      {
        xaxis: { tickmode: "array", tickvals: marks.map((share) => -Math.log10(1 - share)), ticktext: marks.map((share) => `${+(100 * share).toFixed(3)} %`), range: [0, most], showgrid: true, tickangle: 0 },
        yaxis: { tickformat: "~s", ticksuffix: "s" },
        hovermode: "closest",
      },
      { note: rows.map((row) => `${row[0]}: ${row.at(-1)} answers`).join(" · "), heads: ["Route", "#p50", "#p90", "#p95", "#p99", "#p99.9", "#answers"], rows },
    );
  }

  #throughput(points, route) {
    const whole = points.filter((point) => point.seconds >= 2.5);
    const at = whole.map((point) => new Date(this.store.wallMs(point.at_s)));
    const calls = whole.map((point) => sum(ofRoute(point.bins, route, "calls")) / point.seconds);
    const tokens = whole.map((point) => sum(ofRoute(point.bins, route, "tokens_out")) / point.seconds);
    this.rate.show(
      [
        { x: at, y: calls, name: "calls/s", mode: "lines", line: { color: colour("p50"), width: 2 }, hovertemplate: "%{y:.1f}" },
        { x: at, y: tokens, name: "tokens/s (right)", yaxis: "y2", mode: "lines", line: { color: colour("p95"), width: 2, dash: "dot" }, hovertemplate: "%{y:.0f}" },
      ],
      {
        xaxis: span(at),
        margin: { l: 44, r: 44, t: 8, b: 28 },
        yaxis2: { overlaying: "y", side: "right", rangemode: "tozero", showgrid: false, zeroline: false, fixedrange: true, tickfont: { size: 11, color: colour("muted") }, tickformat: ".2~s", nticks: 5 },
      },
      {
        note: at.length ? `${number(calls.at(-1))} calls and ${number(tokens.at(-1))} tokens of answers a second` : "",
        heads: ["Time", "#calls/s", "#tokens/s"],
        rows: whole.map((_, place) => [clock(at[place]), number(calls[place]), number(tokens[place])]).reverse(),
      },
    );
  }
}

/** The axis of a chart over time. */
export const span = (at) => ({ type: "date", tickformat: "%H:%M:%S", nticks: isNarrow() ? 4 : 6, range: at.length > 1 ? [at[0], at.at(-1)] : undefined });

function summary(counts) {
  const [p50, p95, p99] = quantiles(counts, SHARES);
  return total(counts) ? `p50 ${seconds(p50)} · p95 ${seconds(p95)} · p99 ${seconds(p99)}, of ${number(total(counts))} answers` : "no answers in this window";
}
