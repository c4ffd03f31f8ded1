// The first look: a row of figures, and a card for each route with what it promises and what it keeps.

import { byId, el, fill } from "./dom.js";
import { sum } from "./store.js";
import { limit, number, percent, plain, seconds } from "./words.js";

const WORDS = { idle: "no calls", good: "kept", warn: "just short", bad: "missed" };

export function drawTiles(now) {
  const { endpoints, routes, own } = now;
  const well = endpoints.filter((endpoint) => endpoint.state === "in" || endpoint.state === "easing in").length;
  const waiting = sum(endpoints.map((endpoint) => endpoint.waiting));
  const tiles = [
    ["Calls a second", number(sum(routes.map((route) => route.calls_per_s)))],
    ["Tokens a second", number(sum(routes.map((route) => route.tokens_per_s)))],
    ["In flight", number(sum(endpoints.map((endpoint) => endpoint.in_flight))), waiting ? `${number(waiting)} waiting` : "none waiting", waiting ? "warn" : null],
    ["Endpoints in", `${well} of ${endpoints.length}`, well < endpoints.length ? `${endpoints.length - well} out` : "all well", well < endpoints.length ? "bad" : null],
    ["Router, a call", seconds(own.router.p50), `p99 ${seconds(own.router.p99)}`],
    ["Loop lag p99", seconds(own.loop_lag.p99), `of ${number(own.loop_lag.samples)}`, own.loop_lag.p99 > 0.1 ? "warn" : null],
  ];
  fill(byId("tiles"), tiles.map(([name, value, more, mood]) =>
    el("div", { "data-mood": mood }, el("dt", {}, name), el("dd", {}, el("b", {}, value), more ? el("small", {}, more) : null))));
}

export function drawRoutes(now, chosen) {
  const shown = now.routes.filter((route) => !chosen || route.name === chosen);
  fill(byId("route-cards"), shown.map((route) => card(route, now.over_s)));
  byId("routes-hint").textContent = `of the last ${Math.round(now.over_s)} s`;
}

function card(route, over_s) {
  const { objective } = route;
  const share = route.in_time ?? route.success;
  const judged = share !== null;
  const mood = !judged ? "idle" : share >= objective.success ? "good" : share >= objective.success - 0.05 ? "warn" : "bad";
  const promised = [
    objective.ttft_s === null ? null : `first token in ${limit(objective.ttft_s)}`,
    objective.total_s === null ? null : `end in ${limit(objective.total_s)}`,
  ].filter(Boolean);
  const spent = route.burn === null ? null : Math.min(route.burn, 2) / 2;
  return el(
    "article", { class: "card route", "data-mood": mood, "aria-label": `Route ${route.name}` },
    el("div", { class: "inner" },
      el("header", {}, el("h3", {}, route.name), el("span", { class: "pill", "data-mood": mood }, WORDS[mood])),
      el("div", { class: "kept" },
        el("p", { class: "promise" }, `${promised.join(", ") || "an answer"}, for ${percent(objective.success)} of calls`),
        judged
          ? el("p", { class: "big" }, el("b", {}, percent(share)), el("span", {}, route.in_time === null ? " answered" : " in time"))
          : el("p", { class: "big", "data-none": true }, el("b", {}, `none in the last ${Math.round(over_s)} s`)),
        el("div", { class: "budget" },
          el("span", {}, "Error budget burn"),
          el("meter", { min: "0", max: "1", low: "0.5", high: "0.5", optimum: "0", value: String(spent ?? 0), "aria-label": "Error budget burn" }),
          el("b", { "data-mood": route.burn > 1 ? "bad" : null }, route.burn === null ? "–" : `${number(route.burn)}×`))),
      quantilesTable(route),
      el("dl", { class: "facts" },
        fact("Calls", `${number(route.calls)}`),
        fact("Answered", percent(route.success)),
        fact("Saved by retry", percent(route.by_retry)),
        fact("… by fallback", percent(route.by_fallback)),
        fact("… by hedge", percent(route.by_hedge)),
        fact("Refused early", number(route.refused)),
        fact("Burn by failures", route.burn_of_failures === null ? "–" : `${number(route.burn_of_failures)}×`),
        ...Object.entries(route.failures).slice(0, 4).map(([reason, count]) => fact(`✕ ${plain(reason)}`, number(count))))),
  );
}

function quantilesTable(route) {
  const row = (name, measured) =>
    el("tr", {}, el("th", { scope: "row" }, name), ...["p50", "p95", "p99"].map((share) => el("td", {}, seconds(measured[share]))), el("td", { class: "of" }, number(measured.samples)));
  return el(
    "table", { class: "small" },
    el("caption", { class: "unseen" }, `Latency of ${route.name}`),
    el("thead", {}, el("tr", {}, ...["", "p50", "p95", "p99", "of"].map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, row("First token", route.ttft), row("End to end", route.total)),
  );
}

const fact = (name, value, more) => el("div", {}, el("dt", {}, name), el("dd", {}, value, more ? el("small", {}, ` ${more}`) : null));
