// A synchronisation on the page: state, bar, figures and failed items.
import { byId, counted, element } from "./dom.js";
import { isFinal } from "./job-events.js";

const STATES = {
  queued: "Waiting to begin",
  running: "Running",
  succeeded: "Finished",
  failed: "Failed",
  cancelled: "Cancelled",
};
const FIGURES = ["indexed", "unchanged", "removed", "downloaded", "failed"];

export class JobView {
  /** Shows `job`; only ended ones have their failed items. */
  show(job) {
    this.say(summary(job));
    showButton("sync-cancel", !isFinal(job));
    showButton("sync-retry", isFinal(job) && job.failed_count > 0);
    showBar(job);
    showFigures(job.result ?? {});
    showFailed(job);
  }

  say(text) {
    const line = byId("sync-status");
    if (line.textContent !== text) line.textContent = text;
  }
}

function summary({ state, done, total, failed_count: failedCount, error, updated_at: at }) {
  const progress = total ? `: ${done.toLocaleString("en")} of ${counted(total, "image")}` : "";
  const failures = failedCount ? `, ${failedCount} failed` : "";
  const reason = error ? `. ${error.error} (${error.code})` : "";
  const when = isFinal({ state }) ? `, ${new Date(at).toLocaleString()}` : "";
  return `${STATES[state] ?? state}${progress}${failures}${reason}${when}`;
}

function showButton(id, isShown) {
  const button = byId(id);
  // The keyboard must not lose its place with the button.
  if (!isShown && document.activeElement === button) byId("sync-start").focus();
  button.hidden = !isShown;
}

function showBar({ state, done, total }) {
  const bar = byId("sync-progress");
  bar.hidden = isFinal({ state });
  if (total) Object.assign(bar, { max: total, value: done });
  else bar.removeAttribute("value");
}

function showFigures(result) {
  const known = FIGURES.filter((name) => Number.isFinite(result[name]));
  const pairs = known.map((name) =>
    element(
      "div",
      {},
      element("dt", {}, name),
      element("dd", {}, result[name].toLocaleString("en")),
    ),
  );
  byId("sync-figures").replaceChildren(...pairs);
}

function showFailed({ failed = [], failed_count: count }) {
  const box = byId("sync-failed");
  box.hidden = !failed.length;
  box.querySelector("summary").textContent = counted(count, "failed image");
  const items = failed.map(({ item, error, code }) =>
    element("li", {}, element("span", { className: "key" }, item), ` ${error} (${code})`),
  );
  box.querySelector("ul").replaceChildren(...items);
}
