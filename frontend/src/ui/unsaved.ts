// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** `[data-keep-until-checked]`: codes shown once are not left behind by an accidental click. */
export function installKeepUntilChecked(root: Document): void {
  const box = root.querySelector<HTMLInputElement>("[data-keep-until-checked]");
  if (!box) return;
  window.addEventListener("beforeunload", (event) => {
    if (!box.checked) event.preventDefault();
  });
}
