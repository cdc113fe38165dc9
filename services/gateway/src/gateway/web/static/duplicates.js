// Groups of stored pictures that show the same.
import { call, isCancelled, told } from "./api.js";
import { byId, counted, element, pictureLink } from "./dom.js";

const PAGE = 10;
const TIERS = { bytes: "same bytes", picture: "same picture", near: "nearly the same" };

export class Duplicates {
  watch() {
    byId("duplicates-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#list();
    });
    byId("more-groups").addEventListener("click", () => this.#next());
  }

  async #list() {
    this.tier = byId("tier").value;
    this.offset = 0;
    byId("groups").replaceChildren();
    await this.#load();
  }

  async #next() {
    const [first] = await this.#load();
    first?.querySelector("a").focus();
  }

  async #load() {
    this.loading?.abort();
    this.loading = new AbortController();
    const { signal } = this.loading;
    const parameters = new URLSearchParams({ limit: PAGE, offset: this.offset });
    if (this.tier) parameters.set("tier", this.tier);
    this.#say("Looking for duplicates…");
    try {
      return this.#show(await call(`/api/duplicates?${parameters}`, { signal }));
    } catch (error) {
      if (!isCancelled(error)) this.#say(told(error));
      return [];
    }
  }

  #show({ groups, total }) {
    const items = groups.map(group);
    byId("groups").append(...items);
    this.offset += groups.length;
    byId("more-groups").hidden = !groups.length || this.offset >= total;
    const summary = `${this.offset} of ${counted(total, "group")}.`;
    this.#say(total ? summary : "There are no such duplicates.");
    return items;
  }

  #say(text) {
    byId("duplicates-status").textContent = text;
  }
}

function group({ representative, members }) {
  const kept = shown(representative, "largest");
  const others = members.map((member) => shown(member, TIERS[member.tier], member.score));
  return element("li", {}, element("ul", { className: "members" }, kept, ...others));
}

function shown({ key, url, width, height }, word, score) {
  const likeness = score === undefined ? word : `${word}, ${score.toFixed(3)}`;
  return element(
    "li",
    {},
    pictureLink(url, key),
    element("p", {}, element("b", {}, likeness)),
    element("p", { className: "muted" }, `${width} × ${height}`),
    element("p", { className: "key", title: key }, key),
  );
}
