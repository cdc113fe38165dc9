// The segments as a list, the largest first; what has the focus or the pointer is lit.
import { percent } from "./confidence-bars.js";
import { byId, counted, element } from "./dom.js";
import { colourOf } from "./segment-colours.js";
import { swatch } from "./svg.js";

export class SegmentList {
  /** `onLit` is told of the number that people look at, -1 for none; `onPicked` of a click. */
  constructor(onLit, onPicked) {
    this.list = byId("segments");
    this.onLit = onLit;
    this.onPicked = onPicked;
  }

  /** Lists `segments` as { label, area }, of a picture with so many `pixels`. */
  show(segments, pixels) {
    const items = segments.map((segment, number) => this.#item(segment, number, pixels));
    this.list.replaceChildren(...items);
  }

  /** Marks the one with this number; none for -1. */
  mark(number) {
    for (const [index, item] of [...this.list.children].entries()) {
      item.firstElementChild.setAttribute("aria-pressed", String(index === number));
    }
  }

  #item(segment, number, pixels) {
    const label = element("span", { className: "label" }, segment.label);
    const size = element("span", { className: "help" }, sizeOf(segment, pixels));
    const button = element("button", { type: "button", "aria-pressed": "false" });
    button.append(swatch(colourOf(number)), label, size);
    for (const name of ["focus", "pointerenter"]) {
      button.addEventListener(name, () => this.onLit(number));
    }
    for (const name of ["blur", "pointerleave"]) {
      button.addEventListener(name, () => this.onLit(-1));
    }
    button.addEventListener("click", () => this.onPicked(number));
    return element("li", {}, button);
  }
}

/** "1,234 pixels, 5.6 %". */
export const sizeOf = ({ area }, pixels) =>
  `${counted(area, "pixel")}, ${percent(area / pixels)}`;
