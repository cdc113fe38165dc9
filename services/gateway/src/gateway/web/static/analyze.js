// The page that analyses: the picture that is chosen, and the run that takes it apart.
import { asJson, call, isCancelled, told } from "./api.js";
import { AnalysisView } from "./analysis-view.js";
import { ChosenImage } from "./chosen-image.js";
import { byId, counted } from "./dom.js";
import { clearFieldErrors, FieldErrors, showFieldErrors } from "./field-errors.js";
import { imageFault } from "./image-check.js";
import { encoded } from "./image-encoding.js";
import { withRetries } from "./retrying.js";

const MAX_DETECTIONS = 100;

const form = byId("analyze-form");
const chosen = new ChosenImage("image", forget);
const view = new AnalysisView();
let running = null;

form.addEventListener("submit", start);
byId("cancel").addEventListener("click", () => running?.abort());
// A page that is kept for the way back would keep the work going.
window.addEventListener("pagehide", () => running?.abort());

async function start(event) {
  event.preventDefault();
  if (running) return;
  forget();
  running = new AbortController();
  byId("cancel").disabled = false;
  byId("progress").hidden = false;
  say(await ending(running));
  byId("progress").hidden = true;
  running = null;
  // A button that is disabled while it has the focus would lose it for the keyboard.
  if (document.activeElement === byId("cancel")) byId("start").focus();
  byId("cancel").disabled = true;
}

/** Forgets what came of the picture before, and cancels what is asked about it. */
function forget() {
  running?.abort();
  byId("problem").textContent = "";
  clearFieldErrors(form);
  view.clear();
  say("");
}

/** What came of a run, in words. */
async function ending({ signal }) {
  try {
    return await run(signal);
  } catch (error) {
    view.clear();
    if (isCancelled(error)) return "Cancelled.";
    if (showFieldErrors(form, error)) return "Nothing was analysed: see the marked fields.";
    byId("problem").textContent = told(error);
    return "Nothing was analysed.";
  }
}

async function run(signal) {
  const { file } = chosen;
  say("Analysing…");
  await check(file);
  const image = await encoded(file);
  const body = { image, labels: byId("labels").value };
  const answer = await asked("/analyze?mask_format=rle", body, signal);
  await view.show(file, image, answer);
  const found = counted(answer.basic_segmentation.segments.length, "segment");
  say(`${found} found. Naming them…`);
  return named(found, body, signal);
}

async function check(file) {
  const fault = file ? await imageFault(file) : "must be chosen first.";
  if (fault) throw new FieldErrors({ image: fault });
}

/** Names the segments; what was found stays where that fails. */
async function named(found, body, signal) {
  try {
    const { detections } = await asked("/api/detect", { ...body, limit: MAX_DETECTIONS }, signal);
    return `Finished: ${found}, ${view.name(detections)} named.`;
  } catch (error) {
    // Another picture was chosen, and this one is gone.
    if (!view.isShown) throw error;
    view.name([]);
    const reason = isCancelled(error) ? "cancelled" : told(error);
    return `${found} found, not named: ${reason}.`;
  }
}

function asked(path, body, signal) {
  const attempt = () => call(path, asJson(body, { signal }));
  return withRetries(attempt, { signal, onWait: say });
}

function say(text) {
  byId("status").textContent = text;
}
