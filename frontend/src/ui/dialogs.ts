// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** `[data-dialog-open=id]` opens, `[data-dialog-close]` closes, a click on the scrim closes. */
export function installDialogs(root: Document): void {
  root.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    const opener = event.target.closest<HTMLElement>("[data-dialog-open]");
    if (opener) {
      event.preventDefault();
      openDialog(opener.dataset["dialogOpen"] ?? "");
    }
    if (event.target.closest("[data-dialog-close]")) event.target.closest("dialog")?.close();
    if (event.target instanceof HTMLDialogElement) event.target.close();
  });
  root.addEventListener("input", (event) => {
    if (event.target instanceof HTMLInputElement && event.target.dataset["confirms"]) unlock(event.target);
  });
}

export function openDialog(id: string): void {
  const dialog = document.getElementById(id);
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
}

/** Type-to-confirm: the last step opens only when what was typed is the name of what is lost. */
function unlock(input: HTMLInputElement): void {
  const button = input.closest("form")?.querySelector<HTMLButtonElement>("[data-last-step]");
  if (button) button.disabled = input.value.trim() !== input.dataset["confirms"];
}
