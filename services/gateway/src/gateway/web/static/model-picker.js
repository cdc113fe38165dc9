// The captioners as a group of radio buttons, kept up to date while somebody chooses.
import { call, told } from "./api.js";
import { captioner } from "./captioners.js";
import { byId, element } from "./dom.js";
import { whileVisible } from "./polling.js";

const EVERY_S = 5;
const STATES = {
  unloaded: "loaded on first use",
  loading: "loading…",
  loaded: "loaded",
  not_ready: "not ready",
};

export class ModelPicker {
  /** `onPicked` is told of the model that is picked, with every change. */
  constructor(onPicked) {
    this.group = byId("models");
    this.onPicked = onPicked;
    this.models = [];
    this.choices = new Map();
    this.group.addEventListener("change", () => this.#tell());
  }

  /** The model that is picked, or undefined. */
  get model() {
    return this.models.find((model) => this.choices.get(model.key)?.input.checked);
  }

  /** Shows the models, and keeps their states fresh. */
  async watch() {
    await this.refresh({ asks: true });
    whileVisible(() => this.refresh(), EVERY_S);
  }

  /** Asks how the models are; what is picked stays picked as long as it is ready. */
  async refresh({ asks = false } = {}) {
    try {
      const { models } = await call("/api/caption-models", { asks });
      this.models = models.map(captioner);
    } catch (error) {
      if (!this.choices.size) this.group.firstElementChild.textContent = told(error);
      return;
    }
    if (!this.choices.size) this.#build();
    for (const model of this.models) this.#show(model);
    this.#pickReady();
    this.#tell();
  }

  #build() {
    this.choices = new Map(this.models.map((model) => [model.key, choice(model)]));
    this.group.replaceChildren(...[...this.choices.values()].map(({ label }) => label));
  }

  #show(model) {
    const { input, detail } = this.choices.get(model.key) ?? {};
    if (!input) return;
    input.disabled = model.state === "not_ready";
    const more = [model.reason, model.model_set].filter(Boolean);
    const text = [STATES[model.state] ?? model.state, ...more].join(", ");
    if (detail.textContent !== text) detail.textContent = text;
  }

  #pickReady() {
    const inputs = [...this.choices.values()].map(({ input }) => input);
    if (inputs.some((input) => input.checked && !input.disabled)) return;
    const ready = inputs.find((input) => !input.disabled);
    for (const input of inputs) input.checked = input === ready;
  }

  #tell() {
    if (this.model) this.onPicked(this.model);
  }
}

function choice({ key, name }) {
  const detailId = `model-${key}`;
  const input = element("input", {
    type: "radio",
    name: "model",
    value: key,
    "aria-label": name,
    "aria-describedby": detailId,
  });
  const detail = element("small", { id: detailId });
  const text = element("span", {}, element("b", {}, name), detail);
  return { input, detail, label: element("label", { className: "choice" }, input, text) };
}
