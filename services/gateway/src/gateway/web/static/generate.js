// The page that generates: its form, the run that answers it, and what was made before.
import { isCancelled, told } from "./api.js";
import { byId } from "./dom.js";
import { clearFieldErrors, showFieldErrors } from "./field-errors.js";
import { generatedView, picturesOf } from "./generated-pictures.js";
import { generated } from "./generation-events.js";
import { GenerationForm } from "./generation-form.js";
import { GenerationHistory } from "./generation-history.js";
import { GenerationProgress } from "./generation-progress.js";
import { withRetries } from "./retrying.js";

const form = new GenerationForm();
const progress = new GenerationProgress();
const history = new GenerationHistory(showAgain);
let running = null;

form.root.addEventListener("submit", start);
byId("cancel").addEventListener("click", () => running?.abort());
// A page that is kept for the way back would keep the work going.
window.addEventListener("pagehide", () => running?.abort());

async function start(event) {
  event.preventDefault();
  if (running) return;
  running = new AbortController();
  byId("cancel").disabled = false;
  byId("problem").textContent = "";
  clearFieldErrors(form.root);
  forget();
  progress.begin();
  progress.end(await ending(running));
  running = null;
  byId("empty").hidden = byId("shown").hasChildNodes();
  // A button that is disabled while it has the focus would lose it for the keyboard.
  if (document.activeElement === byId("cancel")) byId("start").focus();
  byId("cancel").disabled = true;
}

/** Takes away the picture before: what comes of the next run is not its. */
function forget() {
  byId("empty").hidden = true;
  byId("shown").replaceChildren();
  history.mark(null);
}

/** What came of a run, in words. */
async function ending({ signal }) {
  try {
    await run(signal);
    return "Finished.";
  } catch (error) {
    if (isCancelled(error)) return "Cancelled.";
    if (showFieldErrors(form.root, error)) return "Nothing was made: see the marked fields.";
    byId("problem").textContent = told(error);
    return "Nothing was made.";
  }
}

async function run(signal) {
  const { entries } = form;
  const body = await form.body();
  const watched = {
    signal,
    onQueued: (position) => progress.queued(position),
    onProgress: (news) => progress.progress(news),
  };
  const onWait = (note) => progress.say(note);
  const answer = await withRetries(() => generated(body, watched), { signal, onWait });
  const values = { ...entries.values, seed: answer.seed };
  const pictures = picturesOf(answer);
  const made = { answer, pictures, prompt: body.prompt, entries: { ...entries, values } };
  show(made);
  history.add(made);
}

function showAgain(made) {
  if (running) return;
  show(made);
  history.mark(made);
  clearFieldErrors(form.root);
  form.fill(made.entries);
  progress.say(`Shown again: seed ${made.answer.seed}.`);
}

function show(made) {
  byId("empty").hidden = true;
  byId("shown").replaceChildren(...generatedView(made, (seed) => form.setSeed(seed)));
}
