// What every page does: the strip, the session, and no page lost to a misplaced drop.
import { watchSession } from "./session.js";
import { watchServices } from "./strip.js";

for (const name of ["dragover", "drop"]) {
  window.addEventListener(name, (event) => event.preventDefault());
}
watchServices();
watchSession();
