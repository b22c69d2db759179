// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/**
 * The form that starts a run: a file is sent when it is chosen and joins the list of those the run may read, so that
 * starting waits for nothing but files still on their way. Without scripts they go along with the form.
 */
import { FileDrop } from "../ui/file-drop";

export function installStartRun(root: Document): void {
  const form = root.querySelector<HTMLFormElement>("form[data-start-run]");
  const drop = form?.querySelector<FileDrop>("file-drop");
  if (!form || !drop) return;
  let isAsked = false;
  form.addEventListener("file-drop:stored", (event) => offer(form, String((event as CustomEvent).detail)));
  form.addEventListener("submit", (event) => {
    isAsked = drop.isBusy;
    if (isAsked) event.preventDefault();
    form.querySelector("[data-run]")?.toggleAttribute("aria-busy", isAsked);
  });
  form.addEventListener("file-drop:done", (event) => {
    const isWhole = Boolean((event as CustomEvent).detail);
    form.querySelector("[data-run]")?.removeAttribute("aria-busy");
    if (isAsked && isWhole) form.requestSubmit();
    isAsked = false;
  });
}

/** Lists a file as chosen; one that is listed already is chosen. */
function offer(form: HTMLFormElement, path: string): void {
  const boxes = [...form.querySelectorAll<HTMLInputElement>('input[name="context"]')];
  const known = boxes.find((box) => box.value === path);
  if (known) known.checked = true;
  else form.querySelector("[data-files]")?.append(choice(form, path, boxes.length));
}

function choice(form: HTMLFormElement, path: string, number: number): Node {
  const template = form.querySelector<HTMLTemplateElement>("template[data-choice]");
  const label = template?.content.firstElementChild?.cloneNode(true) as HTMLLabelElement;
  const box = label.querySelector("input");
  if (box) {
    box.value = path;
    box.id = `id_context_new_${number}`;
    label.htmlFor = box.id;
  }
  const text = label.querySelector("span");
  if (text) text.textContent = path;
  return label;
}
