// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** The menus are `<details>`: they work without scripts. With them, Escape and a click elsewhere close. */
export function installMenus(root: Document): void {
  root.addEventListener("click", (event) => {
    for (const menu of openMenus(root)) {
      if (event.target instanceof Node && !menu.contains(event.target)) menu.open = false;
    }
  });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of openMenus(root)) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    }
  });
}

function openMenus(root: Document): NodeListOf<HTMLDetailsElement> {
  return root.querySelectorAll<HTMLDetailsElement>("details.drop-menu[open]");
}
