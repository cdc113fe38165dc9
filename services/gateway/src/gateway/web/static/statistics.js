// The line below the title: how much can be found, by which model.
import { call } from "./api.js";
import { byId, counted } from "./dom.js";
import { modelSetName } from "./strip.js";

/** Shows the counts of the index; what it returns shows them anew. */
export function watchStatistics() {
  const refresh = async () => {
    const text = await summary();
    if (text) byId("statistics").textContent = text;
  };
  refresh();
  return refresh;
}

async function summary() {
  try {
    const { images, model, model_set: modelSet } = await call("/api/search/statistics");
    const count = `${counted(images, "picture")} to find, by words and by picture.`;
    return `${count} ${model}, ${modelSetName(modelSet)}.`;
  } catch {
    // Whatever is wrong, the strip and the next search tell of it.
    return "";
  }
}
