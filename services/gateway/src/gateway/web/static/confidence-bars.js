// What CLIP sees in a picture: a bar for each label, the best first.
import { element } from "./dom.js";

/** A number from 0 to 1 as "12.3 %". */
export const percent = (share) =>
  `${(100 * share).toLocaleString("en", { maximumFractionDigits: 1 })} %`;

/** The list of an analysis' labels, or why there is none. */
export function confidenceBars({ concepts, confidence_scores: scores, error }) {
  if (error) return element("p", { className: "error" }, `CLIP did not answer: ${error}`);
  const items = concepts.map((label) => bar(label, scores[label]));
  return element("ol", { className: "bars" }, ...items);
}

function bar(label, confidence) {
  const meter = element("meter", { min: 0, max: 1, value: confidence, "aria-label": label });
  const name = element("span", { className: "label" }, label);
  const share = element("span", { className: "share" }, percent(confidence));
  return element("li", {}, name, meter, share);
}
