// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import { installHtmx } from "./core/htmx";
import { RunLive } from "./run/run-live";
import { installStartRun } from "./run/start-run";
import { installCommands } from "./ui/commands";
import { installCopy } from "./ui/copy";
import { installDialogs } from "./ui/dialogs";
import { FileDrop } from "./ui/file-drop";
import { installInbox } from "./ui/inbox";
import { installMenus } from "./ui/menus";
import { installPasskeys } from "./ui/passkey";
import { installReveal, installVeils } from "./ui/reveal";
import { installTheme } from "./ui/theme";
import { installToasts } from "./ui/toasts";
import { installKeepUntilChecked } from "./ui/unsaved";

installHtmx(document);
installTheme(document);
installMenus(document);
installDialogs(document);
installCommands(document);
installToasts(document);
installInbox(document);
installCopy(document);
installPasskeys(document);
installReveal(document);
installVeils(document);
installKeepUntilChecked(document);
customElements.define("file-drop", FileDrop);
customElements.define("run-live", RunLive);
installStartRun(document);
// The editor is a chunk of its own: pages without one do not load it.
if (document.querySelector("flow-editor")) void import("./flow/flow-editor").then(({ defineFlowEditor }) => defineFlowEditor());
// So is what draws charts.
if (document.querySelector("cost-chart")) void import("./ui/cost-chart").then(({ CostChart }) => customElements.define("cost-chart", CostChart));
