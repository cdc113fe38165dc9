// A picture on a canvas, with layers over it; places are told in the picture's own pixels.
import { byId } from "./dom.js";

const LAYERS = ["picture", "masks", "lit", "pointed"];
const DRAWINGS = ["outlines", "marks"];
const SHARE_OF_WINDOW = 0.8;
const MAX_DENSITY = 2;

export class PictureStage {
  constructor() {
    this.root = byId("stage");
    this.canvas = byId("picture");
  }

  /** Shows the image `file`, of width × height pixels, as large as there is room. */
  async show(file, { width, height }) {
    Object.assign(this, { width, height });
    const size = this.#room();
    for (const id of LAYERS) Object.assign(byId(id), size);
    for (const id of DRAWINGS) this.#reset(byId(id), size);
    const resized = { resizeWidth: size.width, resizeHeight: size.height, resizeQuality: "high" };
    const bitmap = await createImageBitmap(file, resized);
    this.canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
  }

  /** The pixel of the picture that a pointer event is at. */
  place({ offsetX, offsetY }) {
    const { clientWidth, clientHeight } = this.canvas;
    return this.within({
      x: Math.floor((offsetX / clientWidth) * this.width),
      y: Math.floor((offsetY / clientHeight) * this.height),
    });
  }

  /** The pixel of the picture that is next to a place. */
  within({ x, y }) {
    const kept = (value, size) => Math.min(Math.max(value, 0), size - 1);
    return { x: kept(x, this.width), y: kept(y, this.height) };
  }

  /** The pixel of the canvas that shows a pixel of the picture. */
  shown({ x, y }) {
    return {
      x: Math.floor(((x + 0.5) * this.canvas.width) / this.width),
      y: Math.floor(((y + 0.5) * this.canvas.height) / this.height),
    };
  }

  #room() {
    const density = Math.min(window.devicePixelRatio, MAX_DENSITY);
    const across = this.root.clientWidth / this.width;
    const down = (SHARE_OF_WINDOW * window.innerHeight) / this.height;
    const scale = density * Math.min(across, down);
    const side = (pixels) => Math.max(1, Math.round(pixels * scale));
    return { width: side(this.width), height: side(this.height) };
  }

  #reset(drawing, size) {
    drawing.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    for (const [name, pixels] of Object.entries(size)) drawing.setAttribute(name, pixels);
    drawing.replaceChildren();
  }
}
