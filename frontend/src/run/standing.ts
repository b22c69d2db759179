// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** The parts of the page that say how the run stands and what a person may do: the server's own words, read anew. */
import type { Frame } from "./reduce";

const ASKED = ["cancelled_by", "paused_by", "resumed_by"];

/** Whether an entry changes what a person may do or see there: a step waits, somebody decided, a variable was set. */
export function changesStanding(frame: Frame): boolean {
  if (frame.type === "run.waiting" || frame.type === "approval.decided") return true;
  if (frame.data?.["set"] !== undefined) return true;
  return frame.type === "note" && ASKED.some((name) => frame.data?.[name] !== undefined);
}

export class Standing {
  #isReading = false;
  #isStale = false;

  constructor(private readonly address: string | null) {}

  /** Reads the parts; what changes meanwhile is read after that, once. */
  refresh(): void {
    if (!this.address) return;
    this.#isStale = this.#isReading;
    if (!this.#isReading) void this.#read(this.address);
  }

  async #read(address: string): Promise<void> {
    this.#isReading = true;
    try {
      const answer = await fetch(address, { headers: { accept: "text/html" } });
      if (answer.ok) showParts(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // The line is cut: it is said elsewhere, and the next entry asks again.
    }
    this.#isReading = false;
    if (this.#isStale) this.refresh();
  }
}

function showParts(fresh: ParentNode): void {
  for (const part of fresh.querySelectorAll<HTMLElement>("[data-part]")) {
    const shown = document.querySelector<HTMLElement>(`[data-part="${CSS.escape(part.dataset["part"] ?? "")}"]`);
    if (shown && !isWrittenIn(shown)) shown.replaceChildren(...part.childNodes);
  }
}

/** What somebody is writing is not taken from under their hands. */
function isWrittenIn(part: HTMLElement): boolean {
  const fields = part.querySelectorAll<HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement>("input, select, textarea");
  return [...fields].some((field) => field === document.activeElement || isChanged(field));
}

function isChanged(field: HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement): boolean {
  if (field instanceof HTMLSelectElement) return [...field.options].some((each) => each.selected !== each.defaultSelected && each.value !== "");
  if (field instanceof HTMLInputElement && (field.type === "checkbox" || field.type === "radio")) return field.checked !== field.defaultChecked;
  return field.value !== field.defaultValue;
}
