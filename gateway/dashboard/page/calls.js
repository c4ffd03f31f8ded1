// Recent calls and why they went where they went. What is open stays open while new ones come.

import { byId, el, table } from "./dom.js";
import { clock, number, percent, plain, seconds } from "./words.js";

const MOST = 40;
const OUTCOMES = { ok: "answered", timed_out: "timed out" };
const came = (one) => `${OUTCOMES[one.outcome] ?? one.outcome}${one.reason && plain(one.reason) !== OUTCOMES[one.outcome] ? ` (${plain(one.reason)})` : ""}`;

export class Calls {
  constructor(store) {
    this.store = store;
    this.list = byId("call-list");
    this.rows = new Map();
    this.paused = false;
    const pause = byId("calls-pause");
    pause.addEventListener("click", () => {
      this.paused = !this.paused;
      pause.setAttribute("aria-pressed", String(this.paused));
      pause.textContent = this.paused ? "Go on" : "Pause";
    });
  }

  draw(route) {
    if (this.paused) return;
    const trouble = byId("calls-kind").value === "trouble";
    const wanted = [...this.store.calls.values()]
      .filter((call) => (!route || call.route === route) && (!trouble || call.notable))
      .sort((one, other) => other.id - one.id);
    const shown = wanted.filter((call, place) => place < MOST || this.rows.get(this.#key(call))?.open);
    const keys = new Set(shown.map((call) => this.#key(call)));
    for (const [key, row] of this.rows) {
      if (!keys.has(key)) {
        row.remove();
        this.rows.delete(key);
      }
    }
    let after = null;
    for (const call of shown) {
      const key = this.#key(call);
      if (!this.rows.has(key)) this.rows.set(key, this.#row(call));
      const row = this.rows.get(key);
      const place = after === null ? this.list.firstChild : after.nextSibling;
      if (place !== row) this.list.insertBefore(row, place);
      after = row;
    }
    this.list.dataset.none = shown.length ? "" : "No such call among the recent ones.";
  }

  #key(call) {
    return `${this.store.now.process}/${call.id}`;
  }

  #row(call) {
    const mood = call.outcome === "answered" ? (call.in_time === false ? "warn" : "good") : call.outcome === "failed" ? "bad" : "idle";
    const word = call.outcome === "answered" ? (call.in_time === false ? "late" : "answered") : call.outcome === "failed" ? plain(call.reason ?? "failed") : call.outcome;
    const way = call.tries.map((one) => `${one.hedge ? "∥ " : ""}${one.endpoint}`).join(" → ") || "nothing was sent";
    const row = el(
      "details", { "data-mood": mood },
      el("summary", {},
        el("time", {}, clock(this.store.wallMs(call.ended_s))),
        el("span", { class: "pill", "data-mood": mood }, word),
        el("b", {}, call.route),
        el("span", { class: "way" }, way),
        el("span", { class: "took" }, el("small", {}, "first "), seconds(call.ttft_s ?? null), el("small", {}, " end "), seconds(call.total_s))),
    );
    row.addEventListener("toggle", () => row.open && row.childElementCount === 1 && row.append(body(call)), { once: false });
    return row;
  }
}

function body(call) {
  const chance = (one) => (one.judged ? (one.chance === undefined || one.chance === null ? "nothing known" : meter(one.chance)) : "not judged");
  return el(
    "div", { class: "why" },
    el("p", { class: "note" }, `${number(call.prompt_tokens)} tokens in, ${number(call.answer_tokens)} out; had ${seconds(call.budget_s)}; ${call.streamed ? "streamed" : "in one piece"}`),
    el("div", { class: "scroll" }, table("Candidates", ["Endpoint", "Chance to be in time", "What became of it"],
      call.candidates.map((one) => [`${one.name} (${one.model}, ${one.region})`, chance(one), one.tried ? tried(call, one.name) : one.why]))),
    call.more_candidates ? el("p", { class: "note" }, `and ${call.more_candidates} more`) : null,
    el("div", { class: "scroll" }, table("Decisions", ["Layer", "Why", "#after"], call.notes.map(([after, by, words]) => [by, words, seconds(after)]))),
    call.tries.length
      ? el("div", { class: "scroll" }, table("Attempts", ["Endpoint", "Outcome", "#slot wait", "#sent", "#first token", "#end", "#in flight there"],
          call.tries.map((one) => [`${one.number}. ${one.endpoint}${one.hedge ? " (hedge)" : ""}`, came(one), seconds(one.waited_s ?? 0), seconds(one.sent_s), seconds(one.first_s), seconds(one.ended_s), String(one.in_flight ?? 1)])))
      : null,
  );
}

const tried = (call, name) => call.tries.filter((one) => one.endpoint === name).map((one) => `attempt ${one.number}: ${came(one)}`).join(", ");

const meter = (chance) => el("span", { class: "slots" }, el("meter", { min: "0", max: "1", low: "0.5", high: "0.9", optimum: "1", value: String(chance) }), el("span", {}, percent(chance)));
