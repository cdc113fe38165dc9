// The captions page: what is asked for, and the run that answers it.
import { watchCacheReset } from "./cache-reset.js";
import { ChosenImages } from "./chosen-images.js";
import { captionEach, captionTogether } from "./caption-run.js";
import { byId, counted } from "./dom.js";
import { dropZone } from "./drop-zone.js";
import { ModelPicker } from "./model-picker.js";
import { RunStatus } from "./run-status.js";
import { modelSetName } from "./strip.js";

const MAX_TOGETHER = 16;

const images = new ChosenImages(showStart);
const picker = new ModelPicker(showModel);
const status = new RunStatus();
let running = null;

dropZone("images", (files) => images.add(files));
byId("captions-form").addEventListener("submit", start);
byId("captions-form").addEventListener("change", showStart);
byId("cancel").addEventListener("click", () => running?.abort());
watchCacheReset();
picker.watch();

async function start(event) {
  event.preventDefault();
  if (running) return;
  if (!picker.model) await picker.refresh({ asks: true });
  const problem = missing();
  byId("problem").textContent = problem;
  if (problem) {
    byId("images").focus({ preventScroll: true });
    return;
  }
  running = new AbortController();
  byId("cancel").disabled = false;
  const run = isTogether() ? captionTogether : captionEach;
  await run([...images.all], question(), status, running);
  running = null;
  // A button that is disabled while it has the focus would lose it for the keyboard.
  if (document.activeElement === byId("cancel")) byId("start").focus();
  byId("cancel").disabled = true;
  await picker.refresh();
}

function missing() {
  const count = images.all.length;
  if (!picker.model) return "No model is ready.";
  if (!count) return "Choose at least one image first.";
  const tooMany = isTogether() && count > MAX_TOGETHER;
  return tooMany ? `At most ${MAX_TOGETHER} images can be captioned together.` : "";
}

function question() {
  const prompts = {
    caption_prompt: byId("caption-prompt").value.trim(),
    flag_caption_prompt: byId("flag-prompt").value.trim(),
  };
  const given = Object.entries(prompts).filter(([, text]) => text);
  return new URLSearchParams([["model", picker.model.key], ...given]);
}

function showStart() {
  const count = images.all.length;
  byId("problem").textContent = "";
  const what = count ? counted(count, "image") : "the images";
  byId("start").textContent = `Caption ${what}${isTogether() ? " together" : ""}`;
}

function showModel(model) {
  const collective = mode("collective");
  collective.disabled = !model.collective;
  if (!model.collective) mode("single").checked = true;
  byId("collective-help").textContent = model.collective
    ? `Up to ${MAX_TOGETHER} images`
    : `${model.name} takes one image at a time`;
  byId("caption-prompt-help").textContent = model.captionHelp;
  byId("flag-prompt-help").textContent = model.flagHelp;
  byId("model-note").textContent = model.model_set ? modelSetName(model.model_set) : "";
  showStart();
}

const mode = (value) => byId("captions-form").querySelector(`[name=mode][value=${value}]`);

const isTogether = () => mode("collective").checked;
