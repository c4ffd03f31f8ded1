// Heat maps, one for each model and region: which share of its attempts took how long, and when.

import { Chart, colour, decades } from "./charts.js";
import { byId, el } from "./dom.js";
import { merged, middle, quantiles, total } from "./histogram.js";
import { span } from "./latency.js";
import { clock, number, seconds } from "./words.js";

const A_CELL = 6; // buckets, so a quarter of an octave
const LINES = [["p50", 0.5], ["p95", 0.95], ["p99", 0.99], ["p99.9", 0.999]];
const MOST = 24;

export class Heat {
  constructor(store) {
    this.store = store;
    this.parent = byId("heat-maps");
    this.charts = new Map();
  }

  draw(window, metric) {
    const points = this.store.points(window);
    const groups = new Map();
    for (const endpoint of this.store.now.endpoints) groups.set(`${endpoint.model}\n${endpoint.region}`, endpoint);
    const keys = [...groups.keys()].slice(0, MOST);
    if (keys.join("\n\n") !== this.shown) this.#lay(keys, groups);
    const columns = new Map(keys.map((key) => [key, points.map((point) => merged(point.bins.map((bin) => bin.groups?.[key]?.[metric])))]));
    const filled = [...columns.values()].flat(2).map(([bucket]) => bucket);
    const least = Math.floor(filled.reduce((one, other) => Math.min(one, other), Infinity) / A_CELL);
    const most = Math.floor(filled.reduce((one, other) => Math.max(one, other), -Infinity) / A_CELL);
    const at = points.map((point) => new Date(this.store.wallMs(point.at_s)));
    for (const key of keys) this.#one(key, columns.get(key), at, filled.length ? [least, most] : [70, 100]);
  }

  #lay(keys, groups) {
    this.shown = keys.join("\n\n");
    this.charts.clear();
    this.parent.replaceChildren();
    for (const key of keys) {
      const figure = el("figure", { class: "card" });
      this.parent.append(figure);
      const { model, region } = groups.get(key);
      this.charts.set(key, new Chart(figure, `${model} · ${region}`));
    }
  }

  #one(key, columns, at, [least, most]) {
    const height = (cell) => Math.log10(middle((cell + 0.5) * A_CELL));
    const cells = Array.from({ length: most - least + 1 }, (_, place) => least + place);
    const z = cells.map(() => at.map(() => null));
    columns.forEach((counts, place) => {
      const all = total(counts);
      for (const [bucket, count] of counts) {
        const row = Math.floor(bucket / A_CELL) - least;
        z[row][place] = (z[row][place] ?? 0) + count / all;
      }
    });
    const told = columns.map((counts) => quantiles(counts, LINES.map(([, share]) => share)));
    const lines = LINES.map(([name], line) => ({
      x: at,
      y: told.map((values) => (values[line] === null ? null : Math.log10(values[line]))),
      customdata: told.map((values, place) => `${seconds(values[line])}${line === 0 ? `   of ${total(columns[place])}` : ""}`),
      hovertemplate: "%{customdata}",
      name,
      mode: "lines+markers",
      marker: { size: 2.5 },
      line: { width: 1.3, color: colour(name === "p99.9" ? "muted" : name), dash: line > 1 ? "dot" : "solid" },
    }));
    const all = merged(columns.map((counts) => Object.fromEntries(counts)));
    const [p50, p95, p99] = quantiles(all, [0.5, 0.95, 0.99]);
    this.charts.get(key).show(
      [
        { type: "heatmap", x: at, y: cells.map(height), z, hoverinfo: "skip", showscale: false, zmin: 0, zmax: 0.6, colorscale: [[0, colour("heat-0")], [0.5, colour("heat-1")], [1, colour("heat-2")]] },
        ...lines,
      ],
      {
        height: 190,
        xaxis: { ...span(at), nticks: 3 },
        yaxis: { rangemode: "normal", range: [height(least - 1), height(most + 1)], ...decades(height(least), height(most), seconds) },
        showlegend: false,
      },
      {
        note: total(all) ? `p50 ${seconds(p50)} · p95 ${seconds(p95)} · p99 ${seconds(p99)}, of ${number(total(all))} attempts` : "no attempts in this window",
        heads: ["Time", ...LINES.map(([name]) => `#${name}`), "#attempts"],
        rows: columns.map((counts, place) => [clock(at[place]), ...told[place].map(seconds), String(total(counts))]).reverse(),
      },
    );
  }
}
