// Shapes over a picture, in its pixels; their lines stay as wide as they are, however it is shown.

const NAMESPACE = "http://www.w3.org/2000/svg";

/** A new SVG element with these attributes. */
export function shape(name, attributes, ...children) {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The path around `rings`, lists of [x, y]; empty ones are left out. */
export function ringsPath(rings) {
  const drawn = rings.filter((ring) => ring.length);
  return drawn.map((ring) => `M${ring.map((corner) => corner.join(" ")).join("L")}Z`).join("");
}

/** A dot at a point: a line of no length with round ends. */
export const dot = (x, y, className) => shape("path", { d: `M${x} ${y}h0`, class: className });

/** A small square of `colour` for a list. */
export function swatch(colour) {
  const square = shape("rect", { width: 1, height: 1, fill: colour });
  return shape("svg", { class: "swatch", viewBox: "0 0 1 1", "aria-hidden": "true" }, square);
}
