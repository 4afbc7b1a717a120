// Forms that tell what is wrong beside the field that it is about (WCAG 2.2, 3.3.1 and 4.1.3).

import { Problem } from "./api.js";

/** Show one section of the page, and let a screen reader begin to read there. */
export function show(id, { focus = true } = {}) {
  for (const section of document.querySelectorAll("main > section")) {
    section.hidden = section.id !== id;
  }
  const heading = document.querySelector(`#${id} h1`);
  document.title = `${heading.textContent} – ${document.querySelector(".server").textContent}`;
  if (focus) {
    heading.focus();
  }
}

/** Have `form` sent by `send`, which gets its fields by name. While that goes on it is not sent again. */
export function onSubmit(form, send) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") {
      return;
    }
    form.ariaBusy = "true";
    clear(form);
    try {
      await send(fieldsOf(form));
    } catch (problem) {
      if (!(problem instanceof Problem)) {
        throw problem;
      }
      tell(form, problem);
    } finally {
      form.ariaBusy = "false";
    }
  });
}

function fieldsOf(form) {
  const inputs = [...form.querySelectorAll("input")];
  const given = inputs.filter((one) => one.value !== "" || !("optional" in one.dataset));
  return Object.fromEntries(given.map((one) => [one.name, one.value]));
}

/** Say what the server refused. */
export function tell(place, problem) {
  const rest = [];
  let first = null;
  for (const { pointer, detail } of problem.errors) {
    const input = place.querySelector(`input[name="${CSS.escape(pointer.slice(1))}"]`);
    if (input === null) {
      rest.push(`${pointer.slice(1)} ${detail}`);
    } else {
      mark(input, detail);
      first ??= input;
    }
  }
  const seconds = problem.seconds === 1 ? "a second" : `${problem.seconds} seconds`;
  const wait = problem.seconds > 0 ? [`Try again in ${seconds}`] : [];
  place.querySelector("[role=alert]").textContent = [problem.message, ...rest, ...wait].join(". ") + ".";
  first?.focus();
}

function mark(input, detail) {
  const id = `${input.id}-error`;
  const told = document.getElementById(id) ?? document.createElement("p");
  const label = input.labels[0].textContent.replace(/ \(.*\)$/, "");
  told.id = id;
  told.className = "problem";
  told.textContent = told.textContent ? `${told.textContent} ${label} ${detail}.` : `${label} ${detail}.`;
  input.after(told);
  input.setAttribute("aria-invalid", "true");
  input.dataset.hint ??= input.getAttribute("aria-describedby") ?? "";
  input.setAttribute("aria-describedby", `${input.dataset.hint} ${id}`.trim());
}

function clear(form) {
  form.querySelector("[role=alert]").textContent = "";
  for (const input of form.querySelectorAll("[aria-invalid]")) {
    document.getElementById(`${input.id}-error`).remove();
    input.removeAttribute("aria-invalid");
    input.setAttribute("aria-describedby", input.dataset.hint);
  }
}
