// The last pictures of this tab, the newest first; they are kept nowhere else.
import { byId, element } from "./dom.js";

const MAX = 12;

export class GenerationHistory {
  /** `onPicked` is told of the made picture that shall be shown again. */
  constructor(onPicked) {
    this.all = [];
    this.list = byId("history");
    this.onPicked = onPicked;
  }

  /** Puts `made` before the others. */
  add(made) {
    this.all.unshift(made);
    this.list.prepend(this.#item(made));
    byId("history-section").hidden = false;
    if (this.all.length > MAX) this.#forgetLast();
    this.mark(made);
  }

  /** Marks the one that is shown, null for none. */
  mark(made) {
    const shown = this.all.indexOf(made);
    for (const [index, item] of [...this.list.children].entries()) {
      item.firstElementChild.setAttribute("aria-pressed", String(index === shown));
    }
  }

  #item(made) {
    const [{ url, seed }] = made.pictures;
    const image = element("img", { alt: "", className: "picture" });
    image.src = url;
    const prompt = element("span", { className: "name", title: made.prompt }, made.prompt);
    const told = element("span", { className: "help" }, `Seed ${seed}`);
    const button = element("button", { type: "button" }, image, prompt, told);
    button.addEventListener("click", () => this.onPicked(made));
    return element("li", {}, button);
  }

  #forgetLast() {
    const { pictures } = this.all.pop();
    for (const { url } of pictures) URL.revokeObjectURL(url);
    this.list.lastElementChild.remove();
  }
}
