// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import htmx from "htmx.org";
import { csrfToken } from "./csrf";

/** htmx under our policy: nothing evaluated, no style element of its own, only our own origin. */
export function installHtmx(root: Document): void {
  htmx.config.allowEval = false;
  htmx.config.allowScriptTags = false;
  htmx.config.includeIndicatorStyles = false;
  htmx.config.selfRequestsOnly = true;
  root.addEventListener("htmx:configRequest", (event) => {
    const { headers } = (event as CustomEvent<{ headers: Record<string, string> }>).detail;
    headers["X-CSRFToken"] = csrfToken();
  });
}
