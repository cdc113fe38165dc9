// One image that is chosen or dropped, with its preview.
import { byId, element, picture } from "./dom.js";
import { dropZone } from "./drop-zone.js";

export class ChosenImage {
  /** The image of the zone `id`-drop, shown in `id`-chosen; `onChange` is told of every other. */
  constructor(id, onChange = () => {}) {
    this.file = null;
    this.input = byId(id);
    this.box = byId(`${id}-chosen`);
    this.onChange = onChange;
    dropZone(id, ([file]) => this.choose(file));
  }

  /** Takes `file` in place of the one before; null for none. */
  choose(file) {
    if (file === this.file) return;
    URL.revokeObjectURL(this.url);
    this.file = file;
    this.box.replaceChildren(...(file ? [this.#shown(file)] : []));
    this.onChange();
  }

  #shown(file) {
    const text = `Remove ${file.name}`;
    const label = { title: text, "aria-label": text };
    const remove = element("button", { type: "button", className: "remove", ...label }, "×");
    remove.addEventListener("click", () => {
      this.choose(null);
      this.input.focus();
    });
    this.url = URL.createObjectURL(file);
    const name = element("span", { className: "name", title: file.name }, file.name);
    return element("li", {}, picture(this.url, ""), name, remove);
  }
}
