// The synchronisation: started, followed, stopped, and found again after a reload.
import { call, post, told } from "./api.js";
import { byId } from "./dom.js";
import { followJob, isFinal, jobPath } from "./job-events.js";
import { JobView } from "./job-view.js";

const KIND = "synchronisation";

export class Synchronisation {
  /** `onEnded` is told when a run that was followed has ended. */
  constructor(onEnded) {
    this.onEnded = onEnded;
    this.view = new JobView();
    this.job = null;
    this.isBusy = false;
  }

  /** Takes up the run that is active, or shows the last one. */
  async watch() {
    byId("sync-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#steer(() => post(`/api/search/sync?force=${byId("force").checked}`));
    });
    for (const [id, verb] of [["sync-cancel", "cancel"], ["sync-retry", "retry-failed"]]) {
      byId(id).addEventListener("click", () => this.#steer(() => this.#post(verb)));
    }
    await this.#takeUp();
  }

  #post(verb) {
    return post(`${jobPath(this.job.job_id)}/${verb}`);
  }

  async #takeUp() {
    try {
      const { jobs } = await call("/api/jobs");
      const runs = jobs.filter((job) => job.kind === KIND);
      const last = runs.find((job) => !isFinal(job)) ?? runs[0];
      if (last) this.#take(isFinal(last) ? await call(jobPath(last.job_id)) : last);
    } catch (error) {
      this.view.say(told(error));
    }
  }

  async #steer(request) {
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      this.#take(await request());
    } catch (error) {
      this.view.say(told(error));
    }
    this.isBusy = false;
  }

  #take(job) {
    this.job = job;
    this.view.show(job);
    if (isFinal(job) || this.followed === job.job_id) return;
    this.followed = job.job_id;
    followJob(job.job_id, {
      onJob: (news) => this.#onNews(news),
      onConnected: () => this.view.show(this.job),
      onLost: () => this.view.say("The connection is lost; trying again…"),
    });
  }

  #onNews(job) {
    // Another run may have been started since.
    if (job.job_id !== this.job.job_id) return;
    this.job = job;
    this.view.show(job);
    if (!isFinal(job)) return;
    this.followed = null;
    this.onEnded();
  }
}
