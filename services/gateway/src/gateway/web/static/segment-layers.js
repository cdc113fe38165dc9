// The segments over the picture: masks, outlines, and the one that is lit.
import { byId } from "./dom.js";
import { MaskLayer, owners } from "./mask-layer.js";
import { colourOf } from "./segment-colours.js";
import { ringsPath, shape } from "./svg.js";

const OPACITY = 105;
const LIT_OPACITY = 190;

export class SegmentLayers {
  constructor(stage) {
    this.stage = stage;
    this.masks = new MaskLayer(byId("masks"));
    this.lit = new MaskLayer(byId("lit"));
    this.outlines = byId("outlines");
    for (const id of ["masks", "outlines"]) {
      const shown = byId(`${id}-shown`);
      shown.addEventListener("change", () => byId(id).classList.toggle("off", !shown.checked));
    }
  }

  /** Shows `segments` as { mask, rings }, the largest first. */
  show(segments) {
    this.segments = segments;
    this.masks.paint(segments.map(({ mask }, index) => painted(mask, index, OPACITY)));
    this.owners = owners(segments.map(({ mask }) => mask), this.stage.canvas);
    this.outlines.replaceChildren(...segments.map(outline));
    this.light(-1);
  }

  /** The number of the smallest segment at a pixel of the picture; -1 where there is none. */
  at(place) {
    const { x, y } = this.stage.shown(place);
    // While a new picture is put there, the canvas has its size already.
    return (this.owners[y * this.stage.canvas.width + x] ?? 0) - 1;
  }

  /** Lights the segment with this number; none for -1. */
  light(number) {
    this.outlines.querySelector(".lit")?.classList.remove("lit");
    if (number < 0) return this.lit.clear();
    this.outlines.children[number].classList.add("lit");
    this.lit.paint([painted(this.segments[number].mask, number, LIT_OPACITY)]);
  }
}

const painted = (mask, number, opacity) => ({ mask, colour: colourOf(number), opacity });

const outline = ({ rings }, number) =>
  shape("path", { d: ringsPath(rings), stroke: colourOf(number) });
