// The images that are to be captioned, with their previews.
import { byId, element, picture } from "./dom.js";

export class ChosenImages {
  /** `onChange` is told whenever an image comes or goes. */
  constructor(onChange) {
    this.all = [];
    this.list = byId("chosen");
    this.onChange = onChange;
  }

  add(files) {
    for (const file of files) this.#add({ file, url: URL.createObjectURL(file) });
    this.onChange();
  }

  #add(image) {
    const remove = element("button", {
      type: "button",
      className: "remove",
      title: `Remove ${image.file.name}`,
      "aria-label": `Remove ${image.file.name}`,
    }, "×");
    const name = element("span", { className: "name", title: image.file.name }, image.file.name);
    const item = element("li", {}, picture(image.url, ""), name, remove);
    remove.addEventListener("click", () => this.#remove(image, item));
    this.all.push(image);
    this.list.append(item);
  }

  #remove(image, item) {
    this.all = this.all.filter((other) => other !== image);
    const next = item.nextElementSibling ?? item.previousElementSibling;
    item.remove();
    // The keyboard must not fall out of the list.
    (next?.querySelector("button") ?? byId("images")).focus();
    this.onChange();
  }
}
