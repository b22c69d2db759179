// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import { type Mark, setMark } from "../core/glyphs";

const SHOWN_FOR = 6000;
const AT_MOST = 3;

/** Says something in the corner. A failure stays until it is dismissed, and must be told in the page as well. */
export function showToast(text: string, mark: Mark = "ok"): void {
  const region = document.querySelector<HTMLElement>("[data-toasts]");
  const template = region?.querySelector<HTMLTemplateElement>("template");
  const toast = template?.content.firstElementChild?.cloneNode(true);
  if (!region || !(toast instanceof HTMLElement)) return;
  toast.setAttribute("role", mark === "fail" ? "alert" : "status");
  const glyph = toast.querySelector(".gl");
  if (glyph) setMark(glyph, mark);
  const words = toast.querySelector("[data-text]");
  if (words) words.textContent = text;
  region.append(toast);
  watch(toast);
  const shown = region.querySelectorAll(".toast");
  if (shown.length > AT_MOST) shown[0]?.remove();
}

export function installToasts(root: Document): void {
  for (const toast of root.querySelectorAll<HTMLElement>("[data-toasts] > .toast")) watch(toast);
  root.addEventListener("toast", (event) => {
    const detail = (event as CustomEvent<{ text?: string; mark?: Mark }>).detail;
    if (detail.text) showToast(detail.text, detail.mark);
  });
}

function watch(toast: HTMLElement): void {
  toast.querySelector("[data-dismiss]")?.addEventListener("click", () => toast.remove());
  if (toast.getAttribute("role") === "alert") return;
  let timer = setTimeout(() => toast.remove(), SHOWN_FOR);
  const pause = (): void => clearTimeout(timer);
  const resume = (): void => {
    timer = setTimeout(() => toast.remove(), SHOWN_FOR);
  };
  toast.addEventListener("pointerenter", pause);
  toast.addEventListener("focusin", pause);
  toast.addEventListener("pointerleave", resume);
  toast.addEventListener("focusout", resume);
}
