// A job as its events tell of it; the browser itself goes on after the last one it has.
import { call } from "./api.js";

const AGAIN_S = 5;

export const isFinal = (job) => ["succeeded", "failed", "cancelled"].includes(job.state);

export const jobPath = (jobId) => `/api/jobs/${encodeURIComponent(jobId)}`;

/** Tells `onJob` of every change until the job has ended; the others of the connection. */
export function followJob(jobId, { onJob, onConnected, onLost }) {
  const path = jobPath(jobId);
  const source = new EventSource(`${path}/events`);
  source.addEventListener("open", onConnected);
  source.addEventListener("job", (event) => onJob(JSON.parse(event.data)));
  source.addEventListener("end", (event) => {
    source.close();
    onJob(JSON.parse(event.data));
  });
  source.addEventListener("error", () => {
    onLost();
    // A refused stream is not opened again by the browser.
    if (source.readyState === EventSource.CLOSED) setTimeout(readAgain, AGAIN_S * 1000);
  });

  async function readAgain() {
    try {
      const job = await call(path);
      onJob(job);
      if (!isFinal(job)) followJob(jobId, { onJob, onConnected, onLost });
    } catch (error) {
      if (error.status === 404 || error.status === 401) return;
      setTimeout(readAgain, AGAIN_S * 1000);
    }
  }
}
