// How far a run is: the cards, a bar, and a line that is read aloud.
import { told } from "./api.js";
import { byId } from "./dom.js";

export class RunStatus {
  constructor() {
    this.bar = byId("progress");
    this.line = byId("status");
  }

  /** Begins a run of `cards`, which replace those of the last one. */
  begin(cards) {
    Object.assign(this, { total: cards.length, good: 0, bad: 0 });
    byId("empty").hidden = true;
    byId("cards").replaceChildren(...cards.map((card) => card.root));
    Object.assign(this.bar, { hidden: false, max: this.total, value: 0 });
    this.say("Captioning…");
    // With many pictures chosen the results begin above the button that was pressed.
    byId("results-title").scrollIntoView({ block: "nearest" });
  }

  done(card, caption) {
    this.good += 1;
    this.#advance(`${card.title}: ${caption}`);
  }

  failed(card, error) {
    this.bad += 1;
    this.#advance(`${card.title}: ${told(error)}`);
  }

  /** Says what came of the run. */
  end(cancelled) {
    this.bar.hidden = true;
    const failures = this.bad ? `, ${this.bad} failed` : "";
    const ending = cancelled ? "Cancelled" : "Finished";
    this.say(`${ending}: ${this.good} of ${this.total} done${failures}.`);
  }

  say(text) {
    this.line.textContent = text;
  }

  #advance(news) {
    const ended = this.good + this.bad;
    this.bar.value = ended;
    this.say(`${ended} of ${this.total}. ${news}`);
  }
}
