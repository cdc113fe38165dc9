// POST /generate as it goes on.
import { ApiError, asJson, opened } from "./api.js";
import { readEvents } from "./event-reader.js";

const PATH = "/generate?stream=true";

/** The answer; before it `onQueued` is told of each place, `onProgress` of each step. */
export async function generated(body, { signal, onQueued, onProgress }) {
  const response = await opened(PATH, asJson(body, { signal }));
  for await (const { name, data } of readEvents(response.body)) {
    const news = JSON.parse(data);
    if (name === "queued") onQueued(news.position);
    if (name === "progress") onProgress(news);
    if (name === "error") throw new ApiError(news.error, news.code, 0, { fields: news.fields });
    if (name === "done") return news;
  }
  throw new ApiError("The answer broke off", "unavailable", 0);
}
