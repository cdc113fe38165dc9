// Removing a stored picture, once somebody has confirmed it.
import { call, told } from "./api.js";
import { byId } from "./dom.js";

export class Removal {
  /** `onRemoved` is told after each removal. */
  constructor(onRemoved) {
    this.onRemoved = onRemoved;
    this.dialog = byId("delete-dialog");
    byId("delete-keep").addEventListener("click", () => this.dialog.close(""));
    this.dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.dialog.close("delete");
    });
  }

  /** Asks, and removes the picture; whether it is gone. */
  async removed(key) {
    if (!(await this.#confirmed(key))) return false;
    try {
      await call(`/api/images?${new URLSearchParams({ key })}`, { method: "DELETE" });
    } catch (error) {
      byId("search-status").textContent = told(error);
      return false;
    }
    this.onRemoved();
    return true;
  }

  #confirmed(key) {
    byId("delete-key").textContent = key;
    this.dialog.returnValue = "";
    this.dialog.showModal();
    return new Promise((resolve) => {
      const ended = () => resolve(this.dialog.returnValue === "delete");
      this.dialog.addEventListener("close", ended, { once: true });
    });
  }
}
