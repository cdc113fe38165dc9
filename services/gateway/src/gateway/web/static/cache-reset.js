// The button that makes the mesh forget its cached captions.
import { post, told } from "./api.js";
import { byId, counted } from "./dom.js";

export function watchCacheReset() {
  byId("reset-cache").addEventListener("click", async () => {
    byId("status").textContent = await reset();
  });
}

async function reset() {
  try {
    const { deleted } = await post("/api/admin/reset-cache");
    return `The cache is empty: ${counted(deleted, "caption")} forgotten.`;
  } catch (error) {
    return `The cache was not reset: ${told(error)}`;
  }
}
