// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import { showToast } from "./toasts";

/** `[data-copy]` copies its own value, or the text of the element it names in `data-copy-from`. */
export function installCopy(root: Document): void {
  root.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-copy]") : null;
    if (button) void copy(button);
  });
}

async function copy(button: HTMLElement): Promise<void> {
  const source = document.getElementById(button.dataset["copyFrom"] ?? "");
  const text = source instanceof HTMLTextAreaElement ? source.value : (source?.textContent ?? button.dataset["copy"] ?? "");
  await navigator.clipboard.writeText(text.trim());
  if (button.dataset["copied"]) showToast(button.dataset["copied"]);
}
