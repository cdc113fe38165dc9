// A search and its hits, page after page.
import { isCancelled, post, told } from "./api.js";
import { byId, counted, element, picture } from "./dom.js";
import { hitCard } from "./hit-card.js";
import { withRetries } from "./retrying.js";

const PAGE = 12;

export class HitList {
  /** Hits that were stored here are removed through `removal`. */
  constructor(removal) {
    this.removal = removal;
    this.list = byId("hits");
    this.more = byId("more-hits");
    this.more.addEventListener("click", () => this.#next());
  }

  /** Searches anew by one of `text`, `file` and `key`. */
  async search(query) {
    this.query = query;
    this.offset = 0;
    this.list.replaceChildren();
    this.more.hidden = true;
    byId("search-empty").hidden = true;
    showAsked(query);
    await this.#load();
  }

  say(text) {
    byId("search-status").textContent = text;
  }

  async #next() {
    const [first] = await this.#load();
    // The button may be gone now, and the keyboard goes on where it was.
    first?.querySelector("a").focus();
  }

  async #load() {
    this.loading?.abort();
    this.loading = new AbortController();
    const { signal } = this.loading;
    this.say("Searching…");
    try {
      const attempt = () => post("/api/search", this.#fields(), { signal });
      return this.#show(await withRetries(attempt, { signal, onWait: (note) => this.say(note) }));
    } catch (error) {
      if (!isCancelled(error)) this.say(told(error));
      return [];
    }
  }

  #fields() {
    const { url, ...source } = this.query;
    return { ...source, top_k: PAGE, offset: this.offset };
  }

  #show({ results, total }) {
    const cards = results.map((hit) => hitCard(hit, this.#actions(hit)));
    this.list.append(...cards);
    this.offset += results.length;
    this.more.hidden = !results.length || this.offset >= total;
    const summary = `The nearest ${this.offset} of ${counted(total, "picture")}.`;
    this.say(total ? summary : "Nothing is stored yet.");
    return cards;
  }

  #actions(hit) {
    return {
      findSimilar: () => {
        byId("hits-title").focus();
        this.search({ key: hit.key, url: hit.url });
      },
      remove: async (card) => {
        if (!(await this.removal.removed(hit.key))) return;
        card.remove();
        this.offset -= 1;
        this.say("The picture is deleted.");
        byId("hits-title").focus();
      },
    };
  }
}

function showAsked({ text, file, key, url }) {
  const source = url ?? (file && URL.createObjectURL(file));
  const name = text ? `“${text}”` : (file?.name ?? key);
  const shown = source ? picture(source, "", "thumbnail") : null;
  const asked = element("p", {}, "Nearest to ", element("b", {}, name));
  byId("asked").replaceChildren(...[shown, asked].filter(Boolean));
  byId("asked").hidden = false;
}
