// What was generated: the pictures, how they were made, and what CLIP sees.
import { confidenceBars } from "./confidence-bars.js";
import { element } from "./dom.js";
import { pngUrl } from "./image-encoding.js";
import { modelSetName } from "./strip.js";

const CUT = "The model read only the beginning of the prompt (77 tokens).";

/** The pictures of `answer` as { url, seed }; the URLs hold memory until they are revoked. */
export function picturesOf({ generated_image: image, seed, images }) {
  const all = images ?? [{ image, seed }];
  return all.map((made) => ({ url: pngUrl(made.image), seed: made.seed }));
}

/** All of a made picture; `onReuse` is told of the seed that shall be used again. */
export function generatedView({ answer, pictures, prompt }, onReuse) {
  const figures = pictures.map((made) => figure(made, answer, prompt, onReuse));
  return [
    element("div", { className: "pictures" }, ...figures),
    element("dl", { className: "figures" }, ...facts(answer).map(fact)),
    ...notes(answer).map((text) => element("p", { className: "help" }, text)),
    element("h3", {}, pictures.length > 1 ? "CLIP on the first picture" : "CLIP on the picture"),
    confidenceBars(answer.clip_analysis),
  ];
}

function figure({ url, seed }, { width, height }, prompt, onReuse) {
  const image = element("img", { alt: prompt, width, height });
  image.src = url;
  const reuse = element("button", { type: "button", "aria-label": `Reuse seed ${seed}` }, "Reuse");
  reuse.addEventListener("click", () => onReuse(seed));
  const name = `facet-${seed}.png`;
  const label = `Download the picture of seed ${seed}`;
  const link = element("a", { href: url, download: name, "aria-label": label }, "Download PNG");
  const told = element("figcaption", {}, element("span", {}, `Seed ${seed}`), reuse, link);
  return element("figure", {}, image, told);
}

function facts({ samples, cfg, width, height, scheduler, model }) {
  return [
    ["Model", model],
    ["Steps", samples],
    ["Guidance", cfg],
    ["Size", `${width} × ${height}`],
    ["Scheduler", scheduler],
  ];
}

const fact = ([name, value]) =>
  element("div", {}, element("dt", {}, name), element("dd", {}, String(value)));

function notes(answer) {
  const { width, height, native_width: across, native_height: down, model_set: modelSet } = answer;
  const isNative = across === width && down === height;
  return [
    answer.prompt_cut ? CUT : null,
    isNative ? null : `Computed at ${across} × ${down} pixels, then resized.`,
    `Model set: ${modelSetName(modelSet)}.`,
  ].filter(Boolean);
}
