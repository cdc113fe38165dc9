// The strip below the header: which services are up, with which models.
import { byId, element } from "./dom.js";
import { whileVisible } from "./polling.js";

const EVERY_S = 5;
const STATES = { ready: "ready", not_ready: "not ready", unreachable: "unreachable", not_served: "not served" };
const MODEL_SETS = {
  demo: "demo models",
  "demo-random": "demo-random: random weights, answers are empty of sense",
  full: "full models",
};

/** Shows the services' states, and keeps them fresh. */
export function watchServices() {
  let shown = "";
  whileVisible(async () => {
    const report = await asked();
    const seen = JSON.stringify(report);
    // Only news is announced to those who listen.
    if (seen !== shown) show(report);
    shown = seen;
  }, EVERY_S);
}

/** The name of a model set, for people. */
export const modelSetName = (name) => MODEL_SETS[name] ?? name;

async function asked() {
  try {
    // 503 has the same body: the mesh is starting.
    const report = await (await fetch("/readyz", { cache: "no-store" })).json();
    if (report.services) return report;
  } catch {
    // Below.
  }
  const gateway = { state: "unreachable", reason: "" };
  return { model_set: null, services: { gateway } };
}

function show(report) {
  byId("services").replaceChildren(...Object.entries(report.services).map(service));
  byId("model-set").textContent = report.model_set ? modelSetName(report.model_set) : "";
}

function service([name, { state, reason }]) {
  const word = STATES[state] ?? state;
  return element(
    "li",
    { className: `service ${state}` },
    element("span", { className: "dot", "aria-hidden": "true" }),
    element("b", {}, name),
    ` ${word}`,
    reason ? element("span", { className: "muted" }, `: ${reason}`) : null,
  );
}
