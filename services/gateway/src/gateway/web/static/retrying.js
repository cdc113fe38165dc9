// Another try after the time that 429 and 503 ask for, so many times.
import { ApiError } from "./api.js";

const MAX_RETRIES = 5;
const MAX_WAIT_S = 60;

/** What `attempt` gives; `onWait` is told of each wait in seconds and of the try after it. */
export async function withRetries(attempt, { signal, onWait }) {
  for (let retry = 1; ; retry++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isPassing(error) || retry > MAX_RETRIES) throw error;
      onWait(`${error.message}. Next try in ${error.retryAfterS} s (${retry} of ${MAX_RETRIES})`);
      await slept(error.retryAfterS, signal);
    }
  }
}

function isPassing(error) {
  const asksForPatience = error instanceof ApiError && [429, 503].includes(error.status);
  return asksForPatience && error.retryAfterS !== null && error.retryAfterS <= MAX_WAIT_S;
}

function slept(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
