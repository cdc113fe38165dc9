// What is wrong with the fields of a form, told at each of them.
import { byId } from "./dom.js";

const PREDICATE = /^(must|is|are|has|may)\b/;

/** What a form refuses by itself, before anything is sent; `fields` has the reasons by name. */
export class FieldErrors extends Error {
  constructor(fields) {
    super("The form holds what cannot be sent");
    this.fields = fields;
  }
}

/** Takes back what was told of the fields of `form`. */
export function clearFieldErrors(form) {
  for (const control of form.querySelectorAll("[aria-invalid]")) {
    control.removeAttribute("aria-invalid");
    byId(`${control.id}-error`).textContent = "";
  }
}

/** Tells of the `fields` of `error` at their controls; whether all of it is told so. */
export function showFieldErrors(form, { fields = {} }) {
  const reasons = Object.entries(fields);
  const controls = reasons.map(([name, reason]) => {
    const control = form.querySelector(`[name="${CSS.escape(name)}"]`);
    if (control) show(control, reason);
    return control;
  });
  controls.find(Boolean)?.focus();
  return reasons.length > 0 && controls.every(Boolean);
}

function show(control, reason) {
  control.setAttribute("aria-invalid", "true");
  byId(`${control.id}-error`).textContent = sentence(control, reason);
}

/** "Width must be …", "The picture is empty."; a reason that is a sentence stands alone. */
function sentence(control, reason) {
  const name = control.dataset.name ?? control.labels[0].textContent.trim();
  const text = PREDICATE.test(reason) ? `${name} ${reason}` : capitalised(reason);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

const capitalised = (text) => text.charAt(0).toUpperCase() + text.slice(1);
