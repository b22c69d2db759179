// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import { csrfToken } from "../core/csrf";

const A_YEAR = 365 * 24 * 3600;

/** The theme changes at once; the server is told for the next page. Without scripts the same form does it. */
export function installTheme(root: Document): void {
  root.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.matches("[data-theme-form]")) return;
    const button = (event as SubmitEvent).submitter;
    if (!(button instanceof HTMLButtonElement)) return;
    event.preventDefault();
    setTheme(root, button.value);
    const action = form.getAttribute("action");
    if (action) void tell(action, button.value);
  });
}

export function setTheme(root: Document, theme: string): void {
  root.documentElement.dataset["theme"] = theme;
  root.cookie = `theme=${theme}; path=/; max-age=${A_YEAR}; samesite=lax`;
  for (const button of root.querySelectorAll<HTMLButtonElement>("[data-theme-form] button")) {
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
}

async function tell(action: string, theme: string): Promise<void> {
  await fetch(action, {
    method: "POST",
    headers: { "X-CSRFToken": csrfToken() },
    body: new URLSearchParams({ theme }),
    redirect: "manual",
  });
}
