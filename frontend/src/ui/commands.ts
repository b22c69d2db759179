// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import { openDialog } from "./dialogs";

/** Ctrl K: the pages of the product, narrowed as one types. Enter follows the first that is left. */
export function installCommands(root: Document): void {
  const dialog = root.getElementById("commands");
  const input = dialog?.querySelector("input");
  if (!dialog || !input) return;
  root.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    openDialog("commands");
  });
  const links = [...dialog.querySelectorAll<HTMLAnchorElement>("a")];
  input.addEventListener("input", () => {
    for (const link of links) link.hidden = !matches(link.textContent ?? "", input.value);
  });
  input.form?.addEventListener("submit", (event) => {
    event.preventDefault();
    links.find((link) => !link.hidden)?.click();
  });
}

export function matches(label: string, typed: string): boolean {
  return label.toLocaleLowerCase().includes(typed.trim().toLocaleLowerCase());
}
