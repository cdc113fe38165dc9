// Calls of the REST API; every failure is an ApiError.
import { signIn } from "./session.js";

export class ApiError extends Error {
  /** `fields` has what is wrong with the fields of the request, by name. */
  constructor(message, code, status, { retryAfterS = null, fields = {} } = {}) {
    super(message);
    Object.assign(this, { code, status, retryAfterS, fields });
  }

  /** The same error in other words. */
  withMessage(message) {
    return new ApiError(message, this.code, this.status, this);
  }

  /** The message with its code, for people. */
  get text() {
    return `${this.message} (${this.code})`;
  }
}

/** The JSON answer, null for an empty one; where the API key is missing, `asks` for it. */
export async function call(path, options = {}) {
  const response = await opened(path, options);
  return response.status === 204 ? null : response.json();
}

/** As `call`, but the answer itself, whose body is still to be read. */
export async function opened(path, { asks = true, ...options } = {}) {
  let response = await sent(path, options);
  if (response.status === 401 && asks && (await signIn())) response = await sent(path, options);
  if (!response.ok) throw await failure(response);
  return response;
}

/** A POST of form fields; an array is sent as a field for each of its values. */
export function post(path, fields = {}, options = {}) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of [value].flat()) body.append(name, one);
  }
  const form = Object.keys(fields).length ? { body } : {};
  return call(path, { method: "POST", ...form, ...options });
}

/** The options of a POST of `body` as JSON. */
export const asJson = (body, options = {}) => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
  ...options,
});

/** What people are told of any error. */
export const told = (error) => (error instanceof ApiError ? error.text : String(error));

/** Whether it only says that the caller has cancelled. */
export const isCancelled = (error) => error.name === "AbortError";

async function sent(path, options) {
  try {
    return await fetch(path, { cache: "no-store", ...options });
  } catch (error) {
    if (isCancelled(error)) throw error;
    throw new ApiError("The gateway cannot be reached", "unreachable", 0);
  }
}

async function failure(response) {
  const body = await response.json().catch(() => ({}));
  const retryAfter = Number.parseFloat(response.headers.get("Retry-After"));
  return new ApiError(
    body.error ?? `The gateway answered ${response.status}`,
    body.code ?? String(response.status),
    response.status,
    { retryAfterS: Number.isFinite(retryAfter) ? retryAfter : null, fields: body.fields },
  );
}
