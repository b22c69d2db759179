// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import { setMark } from "../core/glyphs";
import type { Words } from "../core/words";
import { type Line, lineOf } from "./console";
import type { Frame } from "./reduce";

const NEAR_THE_END = 32;

/** The console list. Lines are copies of the partial's own template, so the first paint and the live ones are alike. */
export class ConsoleView {
  readonly #drafts = new Map<string, HTMLElement>();
  readonly #clock: Intl.DateTimeFormat;

  static in(root: ParentNode, words: Words): ConsoleView | null {
    const list = root.querySelector<HTMLElement>("[data-console]");
    const template = root.querySelector<HTMLTemplateElement>("template[data-line]");
    return list && template ? new ConsoleView(list, template, words) : null;
  }

  private constructor(
    private readonly list: HTMLElement,
    private readonly template: HTMLTemplateElement,
    private readonly words: Words,
  ) {
    this.#clock = new Intl.DateTimeFormat("en-GB", {
      timeStyle: "medium",
      timeZone: list.dataset["zone"] || "UTC",
    });
  }

  /** Shows what is new in one go: the browser lays the list out once, however many lines come. */
  show(entries: readonly Frame[], drafts: ReadonlyMap<string, string>): void {
    this.#keepingTheEnd(() => {
      const lines = document.createDocumentFragment();
      lines.append(...entries.map((frame) => this.#lineFor(frame)));
      this.list.insertBefore(lines, this.#firstDraft());
      this.#showDrafts(drafts);
    });
  }

  #lineFor(frame: Frame): HTMLElement {
    const line = lineOf(frame, this.words);
    const item = this.#newItem(line.nodeId, line.message);
    item.id = `L${line.seq}`;
    item.classList.toggle("hl", line.isFailure);
    const glyph = item.querySelector(".gl");
    if (glyph) setMark(glyph, line.mark);
    this.#setTime(item, line);
    return item;
  }

  #showDrafts(drafts: ReadonlyMap<string, string>): void {
    for (const [node, item] of this.#drafts) {
      if (drafts.has(node)) continue;
      item.remove();
      this.#drafts.delete(node);
    }
    for (const [node, text] of drafts) this.#showDraft(node, text);
  }

  #showDraft(node: string, text: string): void {
    const known = this.#drafts.get(node);
    const item = known ?? this.#newItem(node, "");
    const message = item.querySelector(".msg");
    if (message && message.textContent !== text) message.textContent = text;
    if (known) return;
    item.classList.add("soft");
    this.#drafts.set(node, item);
    this.list.append(item);
  }

  #firstDraft(): HTMLElement | null {
    return this.#drafts.values().next().value ?? null;
  }

  #newItem(node: string, message: string): HTMLElement {
    const item = this.template.content.querySelector("li")?.cloneNode(true) as HTMLElement;
    const parts: ReadonlyArray<readonly [string, string]> = [[".nd", node], [".msg", message]];
    for (const [selector, text] of parts) {
      const part = item.querySelector(selector);
      if (part) part.textContent = text;
    }
    return item;
  }

  #setTime(item: HTMLElement, line: Line): void {
    const moment = new Date(line.at);
    const link = item.querySelector<HTMLAnchorElement>(".at");
    if (!link || Number.isNaN(moment.getTime())) return;
    link.href = `#L${line.seq}`;
    const milliseconds = document.createElement("span");
    milliseconds.className = "ms";
    milliseconds.textContent = `.${String(moment.getUTCMilliseconds()).padStart(3, "0")}`;
    link.replaceChildren(this.#clock.format(moment), milliseconds);
  }

  /** Someone reading further up is not thrown down by a new line. */
  #keepingTheEnd(change: () => void): void {
    const pane = this.list.parentElement ?? this.list;
    const isAtTheEnd = pane.scrollHeight - pane.scrollTop - pane.clientHeight < NEAR_THE_END;
    change();
    if (isAtTheEnd) pane.scrollTop = pane.scrollHeight;
  }
}
