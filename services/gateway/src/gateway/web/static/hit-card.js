// One stored picture that was found.
import { element, pictureLink } from "./dom.js";

const STORED_HERE = /^images\/[0-9a-f]{64}\.(jpg|jpeg|png|webp)$/;

/** A list item for `hit`; only what Facet has written itself can be removed. */
export function hitCard({ key, url, score }, { findSimilar, remove }) {
  const similar = action("Find similar", key, findSimilar);
  const removing = STORED_HERE.test(key) ? action("Delete", key, () => remove(card)) : null;
  const card = element(
    "li",
    { className: "hit" },
    pictureLink(url, key),
    element(
      "div",
      { className: "told" },
      element("p", { className: "score" }, element("b", {}, score.toFixed(3)), " similarity"),
      element("p", { className: "key", title: key }, key),
      element("div", { className: "actions" }, ...[similar, removing].filter(Boolean)),
    ),
  );
  return card;
}

function action(text, key, onClick) {
  const button = element("button", { type: "button", "aria-label": `${text}: ${key}` }, text);
  button.addEventListener("click", onClick);
  return button;
}
