// A transparent canvas over the picture, for masks.
import { eachSpan } from "./run-lengths.js";
import { pixelOf } from "./segment-colours.js";

export class MaskLayer {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  /** Paints `masks` as { mask, colour, opacity }, each over those before it. */
  paint(masks) {
    const { width, height } = this.canvas;
    const image = this.context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    for (const { mask, colour, opacity } of masks) {
      fill(pixels, mask, this.canvas, pixelOf(colour, opacity));
    }
    this.context.putImageData(image, 0, 0);
  }

  clear() {
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }
}

/** Which of `masks` is the last at each pixel, counted from 1; 0 where there is none. */
export function owners(masks, { width, height }) {
  const numbers = new Uint16Array(width * height);
  masks.forEach((mask, index) => fill(numbers, mask, { width, height }, index + 1));
  return numbers;
}

function fill(pixels, mask, { width, height }, value) {
  eachSpan(mask, { width, height }, (x, top, bottom) => {
    for (let at = top * width + x; at < bottom * width; at += width) pixels[at] = value;
  });
}
