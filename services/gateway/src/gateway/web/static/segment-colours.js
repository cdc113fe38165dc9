// Colours of segments that stand beside each other.

const COLOURS = [
  "#ff5a4f", "#2fb5ff", "#ffc329", "#35c76a", "#b06bff", "#ff8a1f",
  "#17c7c0", "#ff5fb0", "#9bd21f", "#5c7cff", "#e0a15a", "#d14be0",
];

/** The colour of what people have pointed at. */
export const POINTED = "#ffffff";

/** The colour of the segment with this number, as #rrggbb. */
export const colourOf = (number) => COLOURS[number % COLOURS.length];

/** `colour` as a pixel of a canvas, `opacity` 0 to 255. */
export function pixelOf(colour, opacity) {
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  const bytes = Uint8Array.of(red, green, blue, opacity);
  return new Uint32Array(bytes.buffer)[0];
}
