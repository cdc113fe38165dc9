// Points in the picture, and the mask of what is meant by them.
import { asJson, call, isCancelled, told } from "./api.js";
import { percent } from "./confidence-bars.js";
import { byId, counted } from "./dom.js";
import { MaskLayer } from "./mask-layer.js";
import { withRetries } from "./retrying.js";
import { POINTED } from "./segment-colours.js";
import { sizeOf } from "./segment-list.js";
import { dot, ringsPath, shape } from "./svg.js";

const PATH = "/api/segment?mask_format=rle";
const MAX_POINTS = 64;
const OPACITY = 150;
const ACTIONS = ["remove-point", "clear-points"];

export class PointPrompts {
  constructor() {
    this.layer = new MaskLayer(byId("pointed"));
    this.drawn = shape("g", {});
    byId("remove-point").addEventListener("click", () => this.#removeLast());
    byId("clear-points").addEventListener("click", () => this.clear());
  }

  /** Begins with a new picture, given as base64. */
  begin(image) {
    this.image = image;
    this.drawn = shape("g", {});
    byId("marks").append(this.drawn);
    this.clear();
  }

  /** Forgets the points. */
  clear() {
    this.asking?.abort();
    this.points = [];
    this.#show(null);
    this.#say("");
    this.#enable();
  }

  /** Adds a point where there is room for one, and asks what is meant now. */
  async add({ x, y }, excluded) {
    if (this.points.length === MAX_POINTS) {
      return this.#say(`${MAX_POINTS} points are the most; this one was not added.`);
    }
    // The middle of the pixel.
    this.points.push({ x: x + 0.5, y: y + 0.5, excluded });
    await this.#changed();
  }

  async #removeLast() {
    this.points.pop();
    if (this.points.length) await this.#changed();
    else this.clear();
  }

  async #changed() {
    this.asking?.abort();
    this.#enable();
    if (this.points.every((point) => point.excluded)) {
      this.#show(null);
      return this.#say("Add a point that is to be cut out.");
    }
    // What was cut out before stays until there is better.
    this.#draw();
    await this.#ask();
  }

  #enable() {
    const buttons = ACTIONS.map(byId);
    const isEmpty = !this.points.length;
    // A button that is disabled while it has the focus would lose it for the keyboard.
    if (isEmpty && buttons.includes(document.activeElement)) byId("picture").focus();
    for (const button of buttons) button.disabled = isEmpty;
  }

  async #ask() {
    this.asking = new AbortController();
    const { signal } = this.asking;
    const body = { image: this.image, points: this.points };
    this.#say("Cutting out…");
    try {
      const attempt = () => call(PATH, asJson(body, { signal }));
      const answer = await withRetries(attempt, { signal, onWait: (note) => this.#say(note) });
      this.#show(answer);
      this.#say(summary(answer, this.points.length));
    } catch (error) {
      if (!isCancelled(error)) this.#say(told(error));
    }
  }

  #show(answer) {
    this.answer = answer;
    const masks = answer ? [{ mask: answer.masks[0], colour: POINTED, opacity: OPACITY }] : [];
    this.layer.paint(masks);
    this.#draw();
  }

  #draw() {
    const { answer } = this;
    const points = this.points.map(({ x, y, excluded }) => dot(x, y, excluded ? "out" : "in"));
    const rings = answer ? [answer.polygons[0], ...answer.holes[0]] : [];
    const outline = shape("path", { d: ringsPath(rings), class: "pointed" });
    this.drawn.replaceChildren(outline, ...points);
  }

  #say(text) {
    byId("points-told").textContent = text;
  }
}

function summary({ segments: [found], width, height }, count) {
  const points = counted(count, "point");
  if (!found.area) return `Nothing was found at ${points}.`;
  const { predicted_iou: iou, stability } = found;
  const quality = `predicted IoU ${percent(iou)}, stability ${percent(stability)}`;
  return `By ${points}: ${sizeOf(found, width * height)}; ${quality}.`;
}
