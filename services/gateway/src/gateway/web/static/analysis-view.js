// An analysis on the page: the picture, its segments, and what CLIP sees.
import { confidenceBars } from "./confidence-bars.js";
import { Crosshair } from "./crosshair.js";
import { byId } from "./dom.js";
import { PictureStage } from "./picture-stage.js";
import { PointPrompts } from "./point-prompts.js";
import { labelOf, UNLABELLED } from "./segment-labels.js";
import { SegmentLayers } from "./segment-layers.js";
import { SegmentList, sizeOf } from "./segment-list.js";
import { modelSetName } from "./strip.js";

const UNNAMED = "not named yet";

export class AnalysisView {
  constructor() {
    this.stage = new PictureStage();
    this.layers = new SegmentLayers(this.stage);
    this.points = new PointPrompts();
    this.list = new SegmentList((number) => this.#light(number), (number) => this.#pick(number));
    this.crosshair = new Crosshair(this.stage, {
      onLook: (place) => this.#light(place ? this.layers.at(place) : -1),
      onPoint: (place, isShifted) => this.#point(place, isShifted),
    });
  }

  get isShown() {
    return !byId("analysis").hidden;
  }

  /** Shows the image `file`, which `image` is in base64, and what was answered about it. */
  async show(file, image, answer) {
    byId("empty").hidden = true;
    byId("analysis").hidden = false;
    await this.stage.show(file, answer);
    this.segments = segmentsOf(answer.basic_segmentation);
    this.pixels = answer.width * answer.height;
    this.layers.show(this.segments);
    this.#list();
    this.points.begin(image);
    this.crosshair.begin();
    byId("concepts").replaceChildren(confidenceBars(answer.clip_analysis));
    byId("models").textContent = madeBy(answer);
  }

  /** Forgets the picture, and what was found in it. */
  clear() {
    byId("analysis").hidden = true;
    byId("empty").hidden = false;
    byId("segment-told").textContent = "";
    this.segments = [];
    this.layers.show(this.segments);
    this.#list();
    this.points.clear();
  }

  /** Names the segments by what was detected; how many have a name then. */
  name(detections) {
    for (const segment of this.segments) segment.label = labelOf(segment, detections);
    this.#list();
    return this.segments.filter(({ label }) => label !== UNLABELLED).length;
  }

  #list() {
    this.picked = this.lit = -1;
    this.list.show(this.segments, this.pixels);
    this.#light(-1);
  }

  #pick(number) {
    this.picked = number === this.picked ? -1 : number;
    this.list.mark(this.picked);
    this.#light(number);
  }

  /** Without one that is looked at, the picked one stays lit. */
  #light(number) {
    const lit = number < 0 ? this.picked : number;
    if (lit === this.lit) return;
    this.lit = lit;
    this.layers.light(lit);
    const segment = this.segments[lit];
    const text = segment ? `${segment.label}: ${sizeOf(segment, this.pixels)}` : "";
    byId("segment-told").textContent = text;
  }

  #point(place, isShifted) {
    this.points.add(place, isShifted !== byId("leaves-out").checked);
  }
}

/** The segments with their masks, the largest first. */
function segmentsOf({ masks, polygons, holes, segments }) {
  const all = segments.map((segment, index) => ({
    ...segment,
    label: UNNAMED,
    mask: masks[index],
    rings: [polygons[index], ...holes[index]],
  }));
  return all.sort((one, other) => other.area - one.area);
}

function madeBy({ models, model_set: modelSet }) {
  const names = [models.segmentation, models.analysis].filter(Boolean).join(" and ");
  return `By ${names}. Model set: ${modelSetName(modelSet)}.`;
}
