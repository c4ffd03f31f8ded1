// "What changed": two stretches of one route compared by the gateway, and the difference told by cause.

import { Chart, colour } from "./charts.js";
import { byId, el, fill, offer } from "./dom.js";
import { ago, clock, number, seconds } from "./words.js";

const EVERY_MS = 8000;

export class Changed {
  constructor(store) {
    this.store = store;
    this.form = byId("question");
    this.chart = new Chart(byId("causes"), "What the p95 changed by");
    this.brush = null;
    this.askedMs = -Infinity;
    this.isChosen = false;
    this.form.addEventListener("change", () => {
      this.brush = null;
      this.isChosen = true;
      this.ask();
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
  }

  /** Somebody has dragged over a chart: instants in seconds of the gateway's clock. */
  brushed(from_s, until_s) {
    if (until_s - from_s < 5) return;
    this.brush = [from_s, until_s];
    this.ask();
    byId("changed").scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }

  draw() {
    offer(this.form.route, this.store.now.routes.map((route) => route.name));
    this.#incidents();
    if (!this.isChosen) this.form.now.value = this.store.now.up_s < 300 ? "60" : "120";
    if (performance.now() - this.askedMs > EVERY_MS) this.ask();
  }

  #stretches() {
    const { now, ago: ended, before } = this.form;
    if (!this.brush) return [[+ended.value + +now.value, +ended.value], [+ended.value + +now.value + +before.value, +ended.value + +now.value]];
    const { now_s } = this.store.now;
    const [from, until] = this.brush.map((at_s) => Math.max(0, now_s - at_s));
    return [[from, until], [from + +before.value, from]];
  }

  async ask() {
    if (!this.form.route.value) return;
    this.askedMs = performance.now();
    const [now, before] = this.#stretches();
    const asked = new URLSearchParams({ route: this.form.route.value, of: this.form.of.value, now: now.map((s) => s.toFixed(1)), before: before.map((s) => s.toFixed(1)) });
    const label = byId("brushed");
    label.hidden = !this.brush;
    if (this.brush) label.textContent = `Chosen on the chart: ${this.brush.map((at_s) => clock(this.store.wallMs(at_s))).join(" to ")}. Change a choice above to go back.`;
    try {
      const answer = await fetch(`api/live/changes.json?${asked}`);
      const told = await answer.json();
      if (answer.ok) this.#show(told);
      else fill(byId("answer"), [el("p", { class: "conclusion" }, told.error.message)]);
    } catch {
      // the line is down, and the page says so already
    }
  }

  #show({ diagnosis, labels }) {
    const { before, now, contributions } = diagnosis;
    const mood = { rose: "bad", fell: "good", steady: "idle", too_few: "idle" }[diagnosis.verdict];
    const word = { rose: "slower", fell: "faster", steady: "no change", too_few: "too few calls" }[diagnosis.verdict];
    const side = (name, one) => `${name} p95 ${seconds(one.p95_s)}, p50 ${seconds(one.p50_s)}, of ${number(one.counted)} calls`;
    fill(byId("answer"), [
      el("p", { class: "conclusion" }, el("span", { class: "pill", "data-mood": mood }, word), ` ${diagnosis.conclusion}`),
      el("p", { class: "note" }, `${side("before", before)} · ${side("now", now)}`),
      ...diagnosis.notes.map((note) => el("p", { class: "note" }, note)),
    ]);
    const largest = Math.max(...contributions.map((part) => Math.abs(part.seconds)), 0);
    const told = contributions.filter((part) => Math.abs(part.seconds) > 0.03 * largest);
    const figure = byId("causes");
    figure.hidden = !told.length || diagnosis.verdict === "steady";
    if (figure.hidden) return;
    const rest = diagnosis.change_s - told.reduce((sum, part) => sum + part.seconds, 0);
    const steps = [["before", before.tail_s, "absolute"], ...told.map((part) => [labels[part.cause], part.seconds, "relative"]), ["all else", rest, "relative"], ["now", now.tail_s, "total"]];
    this.chart.show(
      [{
        type: "waterfall", orientation: "v", x: steps.map(([name]) => name), y: steps.map(([, value]) => value), measure: steps.map(([, , kind]) => kind),
        text: steps.map(([, value, kind]) => (kind === "relative" ? `${value < 0 ? "−" : "+"}${seconds(Math.abs(value))}` : seconds(value))), textposition: "outside", cliponaxis: false, hoverinfo: "skip",
        increasing: { marker: { color: colour("p99") } }, decreasing: { marker: { color: colour("good") } }, totals: { marker: { color: colour("p50") } }, connector: { line: { color: colour("grid"), width: 1 } },
      }],
      { showlegend: false, height: 240, margin: { l: 44, r: 12, t: 24, b: 28 }, yaxis: { tickformat: "~s", ticksuffix: "s" } },
      { note: "the mean of the calls around the p95, in parts that add up", heads: ["Cause", "#change", "In words"], rows: contributions.map((part) => [labels[part.cause], seconds(part.seconds), part.sentence]) },
    );
  }

  #incidents() {
    const { incidents, now } = this.store;
    const newest = [...incidents.values()].sort((one, other) => other.id - one.id).slice(0, 14);
    fill(byId("incidents"), newest.length
      ? newest.map((one) => el("li", { "data-mood": one.bad ? "bad" : "good" }, el("b", {}, one.about), ` ${one.words} `, el("small", {}, ago(now.now_s - one.at_s))))
      : [el("li", { class: "none" }, "None that is remembered: no endpoint went out, and no route raised an alarm.")]);
  }
}
