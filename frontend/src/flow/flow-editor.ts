// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import { setMark } from "../core/glyphs";
import { type Words, wordsIn } from "../core/words";
import { showToast } from "../ui/toasts";
import { checkText, convertText, readFlow, saveDraft, type SaveAnswer } from "./calls";
import type { Vocabulary } from "./completions";
import { type Editor, openEditor } from "./editor";
import { forget, keep, recall } from "./kept";
import { isSound, type Problem } from "./problems";

const CHECK_AFTER = 400;
const KEEP_AFTER = 300;

export function defineFlowEditor(): void {
  customElements.define("flow-editor", FlowEditor);
}

/**
 * `<flow-editor flow src revision format [read-only] nonce>`: the draft as text over the server's first paint.
 * It saves when asked, keeps what is not saved in this browser, checks while one writes, and loses neither side of a
 * conflict.
 */
export class FlowEditor extends HTMLElement {
  #words: Words = new Map();
  #editor!: Editor;
  #revision = 0;
  #format = "json";
  #saved = "";
  #isSaving = false;
  #theirs: number | null = null;
  #checking: ReturnType<typeof setTimeout> | undefined;
  #keeping: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  connectedCallback(): void {
    this.#words = wordsIn(this);
    this.#revision = Number(this.getAttribute("revision"));
    this.#format = this.getAttribute("format") ?? "json";
    const parent = this.#part("[data-editor]");
    const text = this.#part<HTMLTextAreaElement>("[data-text]").value;
    this.#saved = text;
    parent.textContent = "";
    this.#editor = openEditor({
      parent,
      text,
      format: this.#format,
      nonce: this.nonce ?? "",
      label: this.#word("label"),
      isReadOnly: this.hasAttribute("read-only"),
      words: JSON.parse(document.getElementById("flow-words")?.textContent ?? "{}") as Vocabulary,
      onChange: () => this.#changed(),
      onSave: () => void this.save(),
    });
    this.#listen();
    this.#offerKept();
    void this.#check();
  }

  disconnectedCallback(): void {
    clearTimeout(this.#checking);
    clearTimeout(this.#keeping);
  }

  /** Saves the draft; tells whether what is in the editor is what is kept on the server now. */
  async save({ over = this.#revision }: { over?: number } = {}): Promise<boolean> {
    if (this.hasAttribute("read-only") || (!this.#isDirty && over === this.#revision)) return true;
    if (this.#isSaving) return false;
    this.#isSaving = true;
    this.#say("saving");
    const source = this.#editor.text();
    const answer = await saveDraft(this.#src, { source, format: this.#format }, over);
    this.#isSaving = false;
    return this.#take(answer, source);
  }

  async #take(answer: SaveAnswer, source: string): Promise<boolean> {
    if (answer.kind === "saved") {
      this.#settle(answer.flow.revision, source);
      this.#show(answer.flow.problems);
      return !this.#isDirty;
    }
    if (answer.kind === "conflict") await this.#showConflict(answer);
    if (answer.kind === "refused") {
      this.#show(answer.problems);
      showToast(answer.detail, "fail");
    }
    if (answer.kind === "lost") showToast(this.#word("lost"), "fail");
    this.#say("refused");
    return false;
  }

  #settle(revision: number, source: string): void {
    this.#revision = revision;
    this.#saved = source;
    this.#part("[data-conflict]").hidden = true;
    if (!this.#isDirty) forget(localStorage, this.#flow);
    this.#part("[data-kept]").hidden = true;
    this.#showSaved();
  }

  async #showConflict(answer: SaveAnswer & { kind: "conflict" }): Promise<void> {
    const theirs = await readFlow(this.#src);
    if (theirs && theirs.source.replace(/\r\n?/g, "\n") === this.#saved) {
      // Only its name or owner was changed: the draft is as it was read, and nothing stands in the way.
      this.#revision = theirs.revision;
      await this.save();
      return;
    }
    this.#theirs = theirs?.revision ?? answer.revision;
    const when = answer.at ? `, ${new Date(answer.at).toLocaleTimeString()}` : "";
    this.#part("[data-conflict-who]").textContent = `${this.#word("changed-by")} ${answer.by}${when}.`;
    this.#part("[data-theirs]").textContent = theirs?.source ?? "";
    const card = this.#part("[data-conflict]");
    card.hidden = false;
    card.scrollIntoView({ block: "nearest" });
  }

  async #loadTheirs(): Promise<void> {
    const theirs = await readFlow(this.#src);
    if (!theirs) return showToast(this.#word("lost"), "fail");
    keep(localStorage, this.#flow, this.#asKept());
    this.#setFormat(theirs.format);
    this.#revision = theirs.revision;
    this.#editor.replace(theirs.source);
    this.#saved = this.#editor.text();
    clearTimeout(this.#keeping);
    this.#part("[data-conflict]").hidden = true;
    this.#offerKept();
    this.#showSaved();
  }

  #changed(): void {
    this.#showSaved();
    clearTimeout(this.#checking);
    clearTimeout(this.#keeping);
    this.#checking = setTimeout(() => void this.#check(), CHECK_AFTER);
    this.#keeping = setTimeout(() => this.#keep(), KEEP_AFTER);
  }

  #keep(): void {
    if (this.#isDirty) keep(localStorage, this.#flow, this.#asKept());
  }

  #asKept(): { source: string; format: string; revision: number; at: number } {
    return { source: this.#editor.text(), format: this.#format, revision: this.#revision, at: Date.now() };
  }

  #offerKept(): void {
    const kept = recall(localStorage, this.#flow);
    const banner = this.#part("[data-kept]");
    banner.hidden = !kept || kept.source === this.#saved || this.hasAttribute("read-only");
    if (kept) this.#part("[data-kept-at]").textContent = new Date(kept.at).toLocaleString();
  }

  #bringBack(): void {
    const kept = recall(localStorage, this.#flow);
    if (!kept) return;
    this.#setFormat(kept.format);
    this.#editor.replace(kept.source);
    this.#part("[data-kept]").hidden = true;
    this.#editor.focus();
  }

  async #check(): Promise<void> {
    const asked = ++this.#asked;
    const problems = await checkText(this.#editor.text(), this.#format, this.getAttribute("project"));
    if (problems && asked === this.#asked) this.#show(problems);
  }

  #show(problems: readonly Problem[]): void {
    this.#editor.mark(problems);
    this.#part("[data-count]").textContent = String(problems.length);
    this.#part("[data-sound]").hidden = problems.length > 0;
    this.#part("[data-problems]").replaceChildren(...problems.map((problem) => this.#row(problem)));
    this.toggleAttribute("sound", isSound(problems));
  }

  #row(problem: Problem): Node {
    const template = this.#part<HTMLTemplateElement>("template[data-problem]");
    const row = template.content.firstElementChild?.cloneNode(true) as HTMLElement;
    const glyph = row.querySelector(".gl");
    if (glyph) setMark(glyph, problem.severity === "error" ? "fail" : "wait");
    const message = row.querySelector("[data-message]");
    const where = row.querySelector("[data-where]");
    if (message) message.textContent = problem.message;
    if (where) where.textContent = problem.line === null ? problem.place : `${this.#word("line")} ${problem.line} · ${problem.place}`;
    row.querySelector("button")?.addEventListener("click", () => this.#editor.goTo(problem));
    return row;
  }

  async #convert(to: string): Promise<void> {
    if (to === this.#format) return;
    const told = await convertText(this.#editor.text(), to);
    if (!told) return showToast(this.#word("lost"), "fail");
    if ("detail" in told) return showToast(told.detail, "fail");
    this.#setFormat(to);
    this.#editor.replace(told.source);
    if (told.lostComments) showToast(this.#word("comments"), "wait");
  }

  #setFormat(format: string): void {
    this.#format = format;
    this.#editor.setFormat(format);
    for (const button of this.querySelectorAll<HTMLElement>("[data-format]")) {
      button.setAttribute("aria-pressed", String(button.dataset["format"] === format));
    }
  }

  #listen(): void {
    this.#on("[data-save]", () => void this.save());
    this.#on("[data-kept-load]", () => this.#bringBack());
    this.#on("[data-kept-drop]", () => {
      forget(localStorage, this.#flow);
      this.#part("[data-kept]").hidden = true;
    });
    this.#on("[data-conflict-theirs]", () => void this.#loadTheirs());
    this.#on("[data-conflict-mine]", () => {
      if (this.#theirs !== null) void this.save({ over: this.#theirs });
    });
    for (const button of this.querySelectorAll<HTMLElement>("[data-format]")) {
      button.addEventListener("click", () => void this.#convert(button.dataset["format"] ?? "json"));
    }
    for (const link of document.querySelectorAll<HTMLAnchorElement>("a[data-after-saving]")) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        void this.#leaveBy(link);
      });
    }
  }

  async #leaveBy(link: HTMLAnchorElement): Promise<void> {
    if (!(await this.save())) return;
    if (link.hasAttribute("data-publish")) await showPublishing(link.href);
    else location.assign(link.href);
  }

  get #isDirty(): boolean {
    return this.#editor.text() !== this.#saved;
  }

  #showSaved(): void {
    const button = this.querySelector<HTMLButtonElement>("[data-save]");
    if (button) button.disabled = !this.#isDirty;
    this.#say(this.#isDirty ? "unsaved" : "saved");
  }

  #say(word: string): void {
    this.#part("[data-saved]").textContent = this.#word(word);
  }

  get #flow(): string {
    return this.getAttribute("flow") ?? "";
  }

  get #src(): string {
    return this.getAttribute("src") ?? "";
  }

  #word(name: string): string {
    return this.#words.get(name) ?? name;
  }

  #on(selector: string, act: () => void): void {
    this.querySelector(selector)?.addEventListener("click", act);
  }

  #part<E extends HTMLElement = HTMLElement>(selector: string): E {
    const found = this.querySelector<E>(selector);
    if (!found) throw new Error(`the editor's page has no ${selector}`);
    return found;
  }
}

/** What goes out is the server's page, shown over the editor; where that cannot be had, the page itself. */
async function showPublishing(address: string): Promise<void> {
  const dialog = document.getElementById("publish");
  const answer = await fetch(`${address}?part=dialog`).catch(() => null);
  if (!(dialog instanceof HTMLDialogElement) || !answer?.ok) return location.assign(address);
  dialog.innerHTML = await answer.text();
  dialog.showModal();
}
