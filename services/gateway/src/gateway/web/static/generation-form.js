// The form of what is to be generated.
import { ChosenImage } from "./chosen-image.js";
import { byId } from "./dom.js";
import { FieldErrors } from "./field-errors.js";
import { imageFault } from "./image-check.js";
import { encoded } from "./image-encoding.js";

const TEXTS = ["prompt", "negative_prompt", "labels", "scheduler"];
const NUMBERS = ["samples", "cfg", "width", "height", "seed", "count"];
const STRENGTH = "strength";

export class GenerationForm {
  constructor() {
    this.root = byId("generate-form");
    this.startImage = new ChosenImage("start-image", () => this.#showStrength());
    this.#showStrength();
  }

  /** What people have typed and chosen; `fill` takes it back. */
  get entries() {
    const names = [...TEXTS, ...NUMBERS, STRENGTH];
    const values = names.map((name) => [name, this.#control(name).value]);
    return { values: Object.fromEntries(values), startFile: this.startImage.file };
  }

  /** Shows what was typed and chosen before. */
  fill({ values, startFile }) {
    for (const [name, value] of Object.entries(values)) this.#control(name).value = value;
    this.startImage.choose(startFile);
  }

  setSeed(seed) {
    this.#control("seed").value = seed;
    this.#control("seed").focus();
  }

  /** The body of the request: what stays empty is left out. Throws FieldErrors. */
  async body() {
    const { file } = this.startImage;
    const texts = TEXTS.map((name) => [name, this.#control(name).value]);
    const names = file ? [...NUMBERS, STRENGTH] : NUMBERS;
    const numbers = names.map((name) => [name, this.#number(name)]);
    const given = [...texts, ...numbers].filter(([, value]) => value !== "");
    await this.#check(file);
    if (file) given.push(["init_image", await encoded(file)]);
    return Object.fromEntries(given);
  }

  async #check(file) {
    const faults = {};
    if (!this.#control("prompt").value.trim()) faults.prompt = "is required.";
    const fault = file && (await imageFault(file));
    if (fault) faults.init_image = fault;
    if (Object.keys(faults).length) throw new FieldErrors(faults);
  }

  /** null for what is no number: the gateway says what it wants. */
  #number(name) {
    const { value, validity } = this.#control(name);
    if (validity.badInput) return null;
    return value === "" ? "" : Number(value);
  }

  #control(name) {
    return this.root.querySelector(`[name=${name}]`);
  }

  #showStrength() {
    byId("strength-field").hidden = !this.startImage.file;
  }
}
