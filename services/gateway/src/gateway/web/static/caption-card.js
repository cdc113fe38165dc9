// One result: its image or images, how far it is, and what came of it.
import { told } from "./api.js";
import { counted, element, picture } from "./dom.js";
import { modelSetName } from "./strip.js";

const STATES = {
  waiting: "Waiting",
  working: "Working…",
  done: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

export class CaptionCard {
  /** A card of `images`, which waits. */
  constructor(images) {
    const [first] = images;
    const together = `${counted(images.length, "image")} together`;
    this.title = images.length === 1 ? first.file.name : together;
    this.state = element("span", { className: "state" });
    this.body = element("div", { className: "body" });
    const pictures = images.map(({ url }) => picture(url, ""));
    this.root = element(
      "li",
      { className: "card" },
      element("div", { className: "pictures" }, ...pictures),
      element(
        "div",
        { className: "told" },
        element("h3", {}, this.title),
        this.state,
        this.body,
      ),
    );
    this.show("waiting");
  }

  /** Shows one of the states, with a note on it. */
  show(state, note = "") {
    this.root.dataset.state = state;
    this.state.textContent = STATES[state];
    this.body.replaceChildren(...(note ? [element("p", { className: "note" }, note)] : []));
  }

  /** Shows `caption` with what was answered beside it. */
  showCaption(caption, { tags, flagged, cache, model, model_set: modelSet }) {
    this.show("done");
    const marks = [];
    if (flagged) marks.push(mark("flagged", "Flagged"));
    if (cache) marks.push(mark("cached", "From cache"));
    this.body.append(
      element("p", { className: "caption" }, caption || "(an empty caption)"),
      element("ul", { className: "tags", "aria-label": "Tags" }, ...tags.map(tag)),
      element("p", { className: "marks" }, ...marks),
      element("p", { className: "by" }, `By ${model}, ${modelSetName(modelSet)}`),
    );
  }

  /** Shows why there is no caption. */
  showError(error) {
    this.show("failed");
    this.body.append(element("p", { className: "error" }, told(error)));
  }
}

const tag = (text) => element("li", {}, text);

const mark = (kind, text) => element("span", { className: `mark ${kind}` }, text);
