// How far a picture is: a line that is read aloud, a bar, and the picture so far.
import { byId, counted } from "./dom.js";

export class GenerationProgress {
  constructor() {
    this.line = byId("status");
    this.bar = byId("progress");
    this.step = byId("step");
    this.preview = byId("preview");
  }

  /** Begins a new picture. */
  begin() {
    this.bar.removeAttribute("value");
    this.step.textContent = "";
    this.preview.hidden = true;
    this.preview.removeAttribute("src");
    byId("drawing").hidden = false;
    this.say("Asking for the picture…");
    byId("results-title").scrollIntoView({ block: "nearest" });
  }

  queued(position) {
    this.say(position ? `${counted(position, "picture")} before yours` : "Yours is next");
  }

  progress({ step, steps, preview }) {
    // Steps are many: they are shown, and not read aloud.
    this.say("Drawing…");
    this.step.textContent = `Step ${step} of ${steps}`;
    Object.assign(this.bar, { max: steps, value: step });
    if (!preview) return;
    this.preview.src = `data:image/png;base64,${preview}`;
    this.preview.hidden = false;
  }

  /** Says what came of it. */
  end(text) {
    byId("drawing").hidden = true;
    this.say(text);
  }

  say(text) {
    // Only news is announced to those who listen.
    if (this.line.textContent !== text) this.line.textContent = text;
  }
}
