// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import { openDialog } from "./dialogs";

/** The keys of the inbox: j and k go from question to question, a and r answer the one that is shown, ? tells them. */
export function installInbox(root: Document): void {
  if (!root.querySelector("[data-inbox]")) return;
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping(event.target)) return;
    if (root.querySelector("dialog[open]")) return;
    if (event.key === "?") openDialog("inbox-keys");
    else if (event.key === "j" || event.key === "k") go(root, event.key === "j" ? 1 : -1);
    else if (event.key === "a" || event.key === "r") root.querySelector<HTMLButtonElement>(`[data-answer-call] [data-key=${event.key}]`)?.click();
    else return;
    event.preventDefault();
  });
}

function go(root: Document, by: number): void {
  const items = [...root.querySelectorAll<HTMLAnchorElement>("[data-question]")];
  const at = items.findIndex((item) => item.hasAttribute("aria-current"));
  items[at < 0 ? 0 : at + by]?.click();
}

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName));
}
