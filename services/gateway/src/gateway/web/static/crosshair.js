// Pointing at the picture: with the pointer, or with a crosshair that the arrow keys move.
import { byId } from "./dom.js";
import { shape } from "./svg.js";

const STEPS = 40;
const DIRECTIONS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class Crosshair {
  /** `onLook` is told of the place that is looked at, null for none; `onPoint` of a point. */
  constructor(stage, { onLook, onPoint }) {
    Object.assign(this, { stage, onLook, onPoint });
    const { canvas } = stage;
    canvas.addEventListener("pointermove", (event) => onLook(stage.place(event)));
    canvas.addEventListener("pointerleave", () => onLook(null));
    canvas.addEventListener("click", (event) => this.#click(event));
    canvas.addEventListener("keydown", (event) => this.#press(event));
    canvas.addEventListener("blur", () => this.#hide());
  }

  /** Begins in the middle of a new picture. */
  begin() {
    this.place = this.stage.within({
      x: Math.floor(this.stage.width / 2),
      y: Math.floor(this.stage.height / 2),
    });
    this.lines = shape("path", { class: "crosshair" });
    byId("marks").append(this.lines);
  }

  #click(event) {
    this.place = this.stage.place(event);
    this.onPoint(this.place, event.shiftKey);
  }

  #press(event) {
    const direction = DIRECTIONS[event.key];
    if (direction) this.#move(direction);
    else if (["Enter", " "].includes(event.key)) this.onPoint(this.place, event.shiftKey);
    else return;
    // The page must not scroll with it.
    event.preventDefault();
  }

  #move([across, down]) {
    const { width, height } = this.stage;
    const step = Math.max(1, Math.round(Math.max(width, height) / STEPS));
    const { x, y } = this.place;
    this.place = this.stage.within({ x: x + across * step, y: y + down * step });
    const at = { x: this.place.x + 0.5, y: this.place.y + 0.5 };
    this.lines.setAttribute("d", `M${at.x} 0V${height}M0 ${at.y}H${width}`);
    this.onLook(this.place);
  }

  #hide() {
    this.lines?.setAttribute("d", "");
    this.onLook(null);
  }
}
