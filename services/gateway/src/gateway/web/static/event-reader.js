// Server-sent events out of the body of an answer, wherever its chunks cut them.
import { ApiError, isCancelled } from "./api.js";

const LINE_END = /\r\n|\n|\r/;

/** The events of `body` as { name, data }; one that the end cuts off is left out. */
export async function* readEvents(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventParser();
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await chunk(reader);
      ended = done;
      if (done) return;
      yield* parser.events(decoder.decode(value, { stream: true }));
    }
  } finally {
    // Who stops reading lets go of the connection.
    if (!ended) reader.cancel().catch(() => {});
  }
}

async function chunk(reader) {
  try {
    return await reader.read();
  } catch (error) {
    if (isCancelled(error)) throw error;
    throw new ApiError("The connection was lost", "unreachable", 0);
  }
}

class EventParser {
  #begun = "";
  #endedInReturn = false;
  #name = "";
  #data = [];

  /** The events that are complete with `text`. */
  *events(text) {
    if (!text) return;
    // The second half of a line end that was cut.
    const lines = (this.#endedInReturn ? text.replace(/^\n/, "") : text).split(LINE_END);
    this.#endedInReturn = text.endsWith("\r");
    lines[0] = this.#begun + lines[0];
    this.#begun = lines.pop();
    for (const line of lines) {
      if (line) this.#take(line);
      else yield* this.#complete();
    }
  }

  #take(line) {
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (field === "event") this.#name = value;
    if (field === "data") this.#data.push(value);
  }

  *#complete() {
    const event = { name: this.#name || "message", data: this.#data.join("\n") };
    const isEvent = this.#data.length > 0;
    this.#name = "";
    this.#data = [];
    if (isEvent) yield event;
  }
}
