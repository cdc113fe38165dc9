// The API key, exchanged for a cookie: a dialog where the mesh asks for one.
import { byId } from "./dom.js";

const PATH = "/session";
let asking = null;

/** Asks for the key where it is needed and missing, and lets people sign out. */
export async function watchSession() {
  byId("sign-out").addEventListener("click", signOut);
  const session = await state();
  if (session.needed && !session.valid) await signIn();
  else showSignedIn(session.needed);
}

/** Whether there is a session now; calls that come while the dialog is open share it. */
export function signIn() {
  asking ??= ask().finally(() => {
    asking = null;
  });
  return asking;
}

async function ask() {
  const session = await state();
  if (!session.needed) return false;
  const signedIn = session.valid || (await shown());
  showSignedIn(signedIn);
  return signedIn;
}

/** Opens the dialog; true once a key was good, false when it was closed. */
function shown() {
  const dialog = byId("session");
  const form = dialog.querySelector("form");
  const ended = new AbortController();
  return new Promise((resolve) => {
    const { signal } = ended;
    form.addEventListener("submit", (event) => submit(event, dialog), { signal });
    byId("session-dismiss").addEventListener("click", () => dialog.close(), { signal });
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "in"), { signal });
    dialog.returnValue = "";
    dialog.showModal();
  }).finally(() => ended.abort());
}

async function submit(event, dialog) {
  event.preventDefault();
  const form = event.target;
  byId("session-error").textContent = "";
  const problem = await exchanged(new FormData(form));
  if (problem) {
    byId("session-error").textContent = problem;
    byId("session-key").select();
    return;
  }
  form.reset();
  dialog.close("in");
}

/** Sends the key; why it was refused, or "". */
async function exchanged(body) {
  try {
    const response = await fetch(PATH, { method: "POST", body });
    if (response.ok) return "";
    if (response.status === 401) return "This key is not valid.";
    const { error } = await response.json().catch(() => ({}));
    return error ?? `The gateway answered ${response.status}.`;
  } catch {
    return "The gateway cannot be reached.";
  }
}

async function signOut() {
  const response = await fetch(PATH, { method: "DELETE" }).catch(() => null);
  if (response?.ok) window.location.reload();
}

async function state() {
  try {
    const response = await fetch(PATH, { cache: "no-store" });
    if (response.ok) return await response.json();
  } catch {
    // The strip tells of a gateway that is away.
  }
  return { needed: false, valid: false };
}

function showSignedIn(signedIn) {
  byId("sign-out").hidden = !signedIn;
}
