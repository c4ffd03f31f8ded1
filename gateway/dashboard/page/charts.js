// Charts by plotly, in the page's own colours, each with its data as a table for whoever cannot see it.

import { el, fill, say, table } from "./dom.js";

const CONFIG = { displayModeBar: false, responsive: true, doubleClick: false };
const seen = new WeakMap();
const onScreen = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      seen.set(entry.target, entry.isIntersecting);
      if (entry.isIntersecting) entry.target.dispatchEvent(new Event("shown"));
    }
  },
  { rootMargin: "200px" },
);

/** A colour of the style sheet. */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** The colours that names have, in the order they are first asked for: told apart by everybody, and by their order. */
const given = new Map();
export function colourOf(name) {
  if (!given.has(name)) given.set(name, given.size % 8);
  return colour(`series-${given.get(name)}`);
}

/** A name as plotly takes it: it reads tags and entities in texts, and a name has none. */
export const asText = (name) => name.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

export const isNarrow = () => matchMedia("(max-width: 640px)").matches;

export class Chart {
  /** figure: an empty element. title: what it shows. */
  constructor(figure, title) {
    this.figure = figure;
    this.plot = el("div", { class: "plot", "aria-hidden": "true" });
    this.note = el("p", { class: "note" });
    this.details = el("details", { class: "data" }, el("summary", {}, "As a table"));
    this.data = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${title}, as a table` });
    this.details.append(this.data);
    figure.replaceChildren(el("figcaption", {}, title), this.plot, this.note, this.details);
    this.details.addEventListener("toggle", () => this.#tell());
    figure.addEventListener("shown", () => this.pending && this.#draw());
    onScreen.observe(figure);
  }

  /**
   * Draw it anew; off the screen, only when it comes into view.
   * told: {note, heads, rows} for people: a line below, and the table.
   */
  show(traces, layout, told) {
    this.pending = { traces, layout, told };
    if (seen.get(this.figure) !== false) this.#draw();
  }

  #draw() {
    const { traces, layout, told } = this.pending;
    this.pending = null;
    this.told = told;
    say(this.note, told.note ?? "");
    this.#tell();
    if (!globalThis.Plotly) {
      say(this.plot, "The chart library has not come. Its data is in the table.");
      return;
    }
    globalThis.Plotly.react(this.plot, traces, dressed(layout), CONFIG);
  }

  #tell() {
    if (this.details.open && this.told) fill(this.data, [table(this.told.note ?? "", this.told.heads, this.told.rows)]);
  }
}

function dressed(layout) {
  const axis = {
    gridcolor: colour("grid"),
    linecolor: colour("grid"),
    zeroline: false,
    tickfont: { size: 11, color: colour("muted") },
    automargin: true,
    fixedrange: true,
  };
  const { xaxis = {}, yaxis = {}, ...rest } = layout;
  return {
    height: 230,
    margin: { l: 44, r: 12, t: 8, b: 28 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif", size: 12, color: colour("text") },
    hovermode: "x unified",
    hoverlabel: { bgcolor: colour("raised"), bordercolor: colour("grid"), font: { color: colour("text"), size: 12 } },
    showlegend: true,
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: 11, color: colour("muted") }, itemclick: false, itemdoubleclick: false },
    dragmode: false,
    ...rest,
    xaxis: { ...axis, showgrid: false, ...xaxis },
    yaxis: { ...axis, rangemode: "tozero", ...yaxis },
  };
}

/** Marks of an axis whose values are log10 of seconds: by tens, or by 1, 2, 5 where it spans little. */
export function decades(least, most, words) {
  const steps = most - least > 2 ? [1] : [1, 2, 5];
  const marks = [];
  for (let power = Math.floor(least); power <= Math.ceil(most); power++) marks.push(...steps.map((step) => step * 10 ** power));
  return { tickmode: "array", tickvals: marks.map(Math.log10), ticktext: marks.map((mark) => words(mark).replace(/\.0+(?= )/, "")) };
}
