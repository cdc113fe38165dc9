// POST /generate as it goes on.
import { ApiError, asJson, opened } from "./api.js";
import { readEvents } from "./event-reader.js";

const PATH = "/generate?stream=true";

/** The answer; before it `onQueued` is told of each place, `onProgress` of each step. */
export async function generated(body, { signal, onQueued, onProgress }) {
  const response = await opened(PATH, asJson(body, { signal }));
  let last = {};
  try {
    // To the end: an answer that is left before it counts as cancelled.
    for await (const { name, data } of readEvents(response.body)) {
      const news = JSON.parse(data);
      if (name === "queued") onQueued(news.position);
      if (name === "progress") onProgress(news);
      last = { name, news };
    }
  } catch (error) {
    // What breaks behind the last event takes nothing away.
    if (last.name !== "done") throw error;
  }
  return answerOf(last);
}

function answerOf({ name, news }) {
  if (name === "done") return news;
  if (name === "error") throw new ApiError(news.error, news.code, 0, { fields: news.fields });
  throw new ApiError("The answer broke off", "unavailable", 0);
}
