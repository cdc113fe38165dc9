// Pictures that are handed in: each is stored by a request of its own.
import { post, told } from "./api.js";
import { byId, counted, element, picture } from "./dom.js";
import { withRetries } from "./retrying.js";
import { sideBySide } from "./side-by-side.js";

const AT_ONCE = 4;
const TIERS = { bytes: "the same bytes", picture: "the same picture", near: "nearly the same" };

export class Storing {
  /** `onStored` is told after each batch. */
  constructor(onStored) {
    this.onStored = onStored;
    this.counts = { stored: 0, known: 0, failed: 0 };
  }

  /** Stores `files`, and lists what came of each. */
  async store(files) {
    const entries = files.map((file) => new Entry(file));
    byId("stored").prepend(...entries.map((entry) => entry.root));
    this.#say();
    await sideBySide(entries, AT_ONCE, async (entry) => {
      this.counts[await entry.store()] += 1;
      this.#say();
    });
    this.onStored();
  }

  #say() {
    const { stored, known, failed } = this.counts;
    const parts = [`${stored} stored`, `${known} there already`, `${failed} failed`];
    byId("store-status").textContent = `${parts.join(", ")}.`;
  }
}

class Entry {
  constructor(file) {
    this.file = file;
    this.state = element("span", { className: "state" }, "Waiting");
    this.body = element("div", { className: "body" });
    const name = element("span", { className: "name", title: file.name }, file.name);
    const told = element("div", { className: "told" }, name, this.state, this.body);
    this.root = element("li", {}, picture(URL.createObjectURL(file), "", "thumbnail"), told);
  }

  /** Hands the picture in: "stored", "known" or "failed". */
  async store() {
    const attempt = () => {
      this.#show("working", "Storing…");
      return post("/api/images", { file: this.file });
    };
    try {
      const onWait = (note) => this.#show("waiting", note);
      const { duplicate, similar } = await withRetries(attempt, { onWait });
      this.#show("done", duplicate ? "Duplicate: the same bytes were stored before" : "Stored");
      if (similar.length) this.body.append(alike(similar));
      return duplicate ? "known" : "stored";
    } catch (error) {
      this.#show("failed", told(error));
      return "failed";
    }
  }

  #show(state, text) {
    this.root.dataset.state = state;
    this.state.textContent = text;
  }
}

function alike(similar) {
  const items = similar.map(({ key, url, tier, score }) =>
    element(
      "li",
      {},
      picture(url, "", "thumbnail"),
      element("span", {}, `${TIERS[tier] ?? tier}, ${score.toFixed(3)}`),
      element("span", { className: "key", title: key }, key),
    ),
  );
  const head = element("p", {}, `Similar to ${counted(similar.length, "stored picture")}:`);
  return element("div", {}, head, element("ul", { className: "alike" }, ...items));
}
