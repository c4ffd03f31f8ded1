// What the gateway itself costs, which configuration it serves, and where routes that are bound to regions can go.

import { byId, el, fill } from "./dom.js";
import { bytes, clock, duration, number, seconds } from "./words.js";

const fact = (name, value) => el("div", {}, el("dt", {}, name), el("dd", {}, value));
const spread = (measured) => (measured.samples ? `p50 ${seconds(measured.p50)} · p99 ${seconds(measured.p99)}, of ${number(measured.samples)}` : "not measured yet");

export function drawOwn(now) {
  const { own, configuration, residency } = now;
  fill(byId("own"), [
    el("div", { class: "card" },
      el("h3", {}, "Own overhead"),
      el("dl", { class: "facts wide" },
        fact("Router, a call", spread(own.router)),
        fact("Event loop lag", spread(own.loop_lag)),
        fact("Memory", bytes(own.rss_bytes)),
        fact("Running for", duration(now.up_s)),
        fact("Watching now", number(own.watchers))),
      el("p", { class: "note" }, "The router's part of calls with one attempt and no wait for a slot.")),
    el("div", { class: "card" },
      el("h3", {}, "Configuration"),
      el("dl", { class: "facts wide" },
        fact("Served", configuration.source),
        fact("Read anew", configuration.at ? clock(Date.parse(configuration.at)) : "not since the start"),
        fact("Endpoints", number(now.endpoints.length))),
      configuration.refused
        ? el("div", { class: "refused" }, el("p", {}, "The file as it is now was refused; what was served before is served on."), el("pre", { tabindex: "0", "aria-label": "Why it was refused" }, configuration.refused))
        : null,
      configuration.needs_restart.length
        ? el("p", { class: "note" }, `A change of ${configuration.needs_restart.join(", ")} takes effect at the next start.`)
        : null),
    el("div", { class: "card" },
      el("h3", {}, "Residency"),
      ...(residency.length
        ? residency.map((proof) => el("div", { class: "proof" },
            el("p", {}, el("b", {}, proof.route), ` stays in ${proof.regions.join(", ")}, kept there by ${proof.kept_by.join(", ")} and dispatch.`),
            el("dl", { class: "facts wide" },
              ...Object.entries(proof.reaches).map(([model, names]) => fact(model, names.join(", ") || "none")),
              fact("Never", proof.never.join(", ") || "none outside"))))
        : [el("p", { class: "note" }, "No route is bound to regions.")])),
  ]);
}
