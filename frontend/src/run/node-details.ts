// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/**
 * A row of the timeline opens to what its node was asked and gave. Without scripts its link leads to the same page with
 * that row open; here the part is read by itself, put under the row, and read anew when the node goes on.
 */
const REST = 1000;

export class NodeDetails {
  #node: string | null;
  #tab = "";
  #isLeaving = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  static in(root: HTMLElement, address: string | null): NodeDetails | null {
    const table = root.querySelector<HTMLTableElement>("[data-timeline]");
    return table && address ? new NodeDetails(table, address) : null;
  }

  private constructor(
    private readonly table: HTMLTableElement,
    private readonly address: string,
  ) {
    this.#node = table.querySelector<HTMLElement>("[data-detail]")?.dataset["detail"] ?? null;
    table.addEventListener("click", (event) => this.#clicked(event));
  }

  /** The nodes that went on: where the open one is among them it is read again, at most once a second. */
  changed(nodes: ReadonlySet<string>): void {
    if (this.#node === null || !nodes.has(this.#node) || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#node !== null) void this.#read(this.#node);
    }, REST);
  }

  /** The page is read anew: from here on links lead there themselves, since what a script opens would be lost. */
  leave(): void {
    this.close();
    this.#isLeaving = true;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #clicked(event: MouseEvent): void {
    if (this.#isLeaving || !(event.target instanceof Element) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const tab = event.target.closest<HTMLElement>("[data-tab]");
    const link = event.target.closest<HTMLElement>("[data-open]");
    if (!tab && !link) return;
    event.preventDefault();
    if (tab && this.#node !== null) void this.#open(this.#node, tab.dataset["tab"] ?? "");
    else if (link) this.#toggle(link.dataset["open"] ?? "");
  }

  #toggle(node: string): void {
    if (node !== this.#node) return void this.#open(node, "");
    this.#node = null;
    this.#detail()?.remove();
    this.#mark();
    history.replaceState(null, "", location.pathname);
  }

  async #open(node: string, tab: string): Promise<void> {
    this.#node = node;
    this.#tab = tab;
    this.#mark();
    // Before it is read: where the page is read anew meanwhile, it comes with this open.
    const query = new URLSearchParams({ node, ...(tab ? { tab } : {}) });
    history.replaceState(null, "", `?${query}`);
    await this.#read(node, tab !== "");
  }

  async #read(node: string, isFocused = false): Promise<void> {
    const query = new URLSearchParams({ node, ...(this.#tab ? { tab: this.#tab } : {}) });
    const answer = await fetch(`${this.address}?${query}`, { headers: { accept: "text/html" } }).catch(() => null);
    if (!answer?.ok || node !== this.#node) return;
    const part = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-step-part]");
    if (part) this.#show(node, part, isFocused);
  }

  #show(node: string, part: Element, isFocused: boolean): void {
    const known = this.#detail();
    const hadFocus = isFocused || (known?.contains(document.activeElement) ?? false);
    const row = known?.dataset["detail"] === node ? known : this.#newRow(node);
    if (known && known !== row) known.remove();
    row?.cells[0]?.replaceChildren(part);
    if (hadFocus) part.querySelector<HTMLElement>("[data-tab][aria-current]")?.focus();
  }

  #newRow(node: string): HTMLTableRowElement | null {
    const above = this.#row(node);
    if (!above) return null;
    const row = document.createElement("tr");
    row.className = "detail";
    row.dataset["detail"] = node;
    row.insertCell().colSpan = 6;
    above.after(row);
    return row;
  }

  #mark(): void {
    const root = this.#node === null ? null : rootOf(this.#node);
    for (const link of this.table.querySelectorAll<HTMLElement>("tr[data-node] [data-open]")) {
      const isOpen = link.dataset["open"] === root;
      link.setAttribute("aria-expanded", String(isOpen));
      link.closest("tr")?.classList.toggle("sel", isOpen);
    }
  }

  #detail(): HTMLTableRowElement | null {
    return this.table.querySelector<HTMLTableRowElement>("tr[data-detail]");
  }

  #row(node: string): HTMLElement | null {
    return this.table.querySelector<HTMLElement>(`tr[data-node="${CSS.escape(rootOf(node))}"]`);
  }
}

/** The node of the flow itself below which a step stands: `each` of `each[3]/draft`. */
function rootOf(key: string): string {
  return key.split("[", 1)[0] ?? key;
}
