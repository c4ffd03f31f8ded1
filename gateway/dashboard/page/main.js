// The page: listens to the gateway, and draws what it says, at most once a second and only what is on the screen.

import { Calls } from "./calls.js";
import { Changed } from "./changed.js";
import { byId, offer, say } from "./dom.js";
import { drawEndpoints } from "./endpoints.js";
import { Heat } from "./heat.js";
import { Latency } from "./latency.js";
import { Link } from "./link.js";
import { drawOwn } from "./own.js";
import { drawRoutes, drawTiles } from "./overview.js";
import { Store } from "./store.js";
import { Traffic } from "./traffic.js";
import { duration } from "./words.js";

const HEAT_EVERY_MS = 2500;
const STATES = { live: "live", reconnecting: "reconnecting", connecting: "connecting", refused: "key refused: load the page anew" };

const store = new Store();
const changed = new Changed(store);
const latency = new Latency(store, (from_s, until_s) => changed.brushed(from_s, until_s));
const heat = new Heat(store);
const traffic = new Traffic(store);
const calls = new Calls(store);
let heatMs = -Infinity;

function draw({ everything = false } = {}) {
  const { now } = store;
  if (!now || document.hidden) return;
  const [route, window] = [byId("route").value, +byId("window").value];
  offer(byId("route"), now.routes.map((one) => one.name), "all");
  byId("empty").hidden = !store.isEmpty;
  document.body.dataset.empty = String(store.isEmpty);
  say(byId("source"), `${now.configuration.source} · up ${duration(now.up_s)}`);
  say(byId("latency-hint"), `as callers saw it${route ? `, on ${route}` : ", all routes together"}`);
  say(byId("traffic-hint"), `of the last ${window / 60} min`);
  notice(now);
  drawTiles(now);
  drawRoutes(now, route);
  latency.draw(route, window);
  drawEndpoints(now);
  changed.draw();
  traffic.draw(route, window);
  calls.draw(route);
  drawOwn(now);
  if (everything || performance.now() - heatMs > HEAT_EVERY_MS) {
    heatMs = performance.now();
    heat.draw(window, byId("heat-metric").value);
  }
}

function notice({ endpoints, configuration }) {
  const out = endpoints.filter((endpoint) => ["out", "due", "on trial"].includes(endpoint.state));
  const told = [
    out.length === endpoints.length ? "Every endpoint is out." : "",
    configuration.refused ? "The newest configuration was refused; the one before is served." : "",
    globalThis.Plotly ? "" : "The charts are missing: pip install 'paceline[gateway]'. Their data is in the tables.",
  ].filter(Boolean);
  byId("notice").hidden = !told.length;
  say(byId("notice"), told.join(" "));
}

function example() {
  const model = store.now?.routes[0]?.name ?? "chat";
  return `curl ${location.origin}/v1/chat/completions \\\n  -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] })}'`;
}

const link = new Link(
  store,
  () => {
    say(byId("example"), example());
    draw();
  },
  (state) => {
    const shown = byId("link");
    shown.dataset.state = state;
    say(shown, STATES[state]);
    document.title = state === "live" ? "Paceline" : `(${STATES[state]}) Paceline`;
  },
);

for (const id of ["route", "window", "heat-metric", "calls-kind"]) byId(id).addEventListener("change", () => draw({ everything: true }));
document.addEventListener("theme", () => draw({ everything: true }));
document.addEventListener("visibilitychange", () => draw({ everything: true }));
link.open();
