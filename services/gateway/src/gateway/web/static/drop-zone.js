// A file input that files can also be dropped on.
import { byId } from "./dom.js";

/** Tells `onFiles` of the files that are chosen in, or dropped on, the zone `id`-drop. */
export function dropZone(id, onFiles) {
  const input = byId(id);
  const zone = byId(`${id}-drop`);
  input.addEventListener("change", () => {
    const files = [...input.files];
    // The same file can be chosen again.
    input.value = "";
    if (files.length) onFiles(files);
  });
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, () => zone.classList.add("over"));
  }
  for (const name of ["dragleave", "drop"]) {
    zone.addEventListener(name, () => zone.classList.remove("over"));
  }
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    const files = [...event.dataTransfer.files].slice(0, input.multiple ? undefined : 1);
    if (files.length) onFiles(files);
  });
}
