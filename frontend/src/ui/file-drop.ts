// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import { csrfToken } from "../core/csrf";
import { type Mark, setMark } from "../core/glyphs";
import { formatBytes } from "../core/measures";
import { wordsIn } from "../core/words";
import { entriesIn, filesIn } from "./folders";
import { addressFor, advance, percentOf, type Upload, type UploadEvent, type UploadWords } from "./uploads";

const AT_ONCE = 3;
const MARKS: Readonly<Record<Upload["phase"], Mark>> = { queued: "queue", sending: "run", stored: "ok", refused: "fail" };

interface Task {
  file: File;
  path: string;
  upload: Upload;
  item: HTMLElement;
}

/**
 * `<file-drop url max-bytes [refresh] [folders]>`: PUTs each dropped or chosen file to its own address, with progress
 * per file. With `folders` a dropped folder is walked, and each file keeps its path below it.
 * Fires `file-drop:stored` per file and `file-drop:done` when the queue is empty; `refresh` then reloads the page
 * if every file was stored.
 */
export class FileDrop extends HTMLElement {
  readonly #waiting: Task[] = [];
  #sending = 0;
  #refused = 0;
  #words: UploadWords = { lost: "", refused: "" };
  #tooLarge = "";

  /** Whether a file is still on its way. */
  get isBusy(): boolean {
    return this.#sending > 0 || this.#waiting.length > 0;
  }

  connectedCallback(): void {
    const words = wordsIn(this);
    this.#words = { lost: words.get("lost") ?? "lost", refused: words.get("refused") ?? "refused" };
    this.#tooLarge = words.get("too-large") ?? "too large";
    const zone = this.querySelector<HTMLElement>(".drop");
    for (const input of this.querySelectorAll<HTMLInputElement>('input[type="file"]')) {
      input.addEventListener("change", () => {
        this.add(input.files ?? []);
        input.value = "";
      });
    }
    if (zone) this.#listen(zone);
  }

  add(files: Iterable<File>): void {
    for (const file of files) this.#enqueue(file, file.webkitRelativePath || file.name);
    this.#sendNext();
  }

  async #addDropped(dropped: DataTransfer | null): Promise<void> {
    if (!dropped) return;
    // What was dropped is only there until the handler returns, so the entries are taken out before anything waits.
    const entries = this.hasAttribute("folders") ? entriesIn(dropped) : [];
    if (!entries.some((entry) => entry.isDirectory)) {
      this.add(dropped.files);
      return;
    }
    for (const entry of entries) {
      for await (const [file, path] of filesIn(entry)) this.#enqueue(file, path);
    }
    this.#sendNext();
  }

  #listen(zone: HTMLElement): void {
    zone.addEventListener("dragover", (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
    zone.addEventListener("dragleave", () => zone.classList.remove("over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      void this.#addDropped(event.dataTransfer);
    });
  }

  #enqueue(file: File, path: string): void {
    const template = this.querySelector<HTMLTemplateElement>("template[data-item]");
    const item = template?.content.firstElementChild?.cloneNode(true);
    if (!(item instanceof HTMLElement)) return;
    this.querySelector(".drops")?.append(item);
    const task: Task = { file, path, upload: { phase: "queued", sent: 0, size: file.size }, item };
    const limit = Number(this.getAttribute("max-bytes") ?? Number.POSITIVE_INFINITY);
    if (file.size > limit) {
      task.upload = { phase: "refused", sent: 0, size: file.size, because: this.#tooLarge };
      this.#refused += 1;
    } else this.#waiting.push(task);
    this.#show(task);
  }

  #sendNext(): void {
    while (this.#sending < AT_ONCE) {
      const task = this.#waiting.shift();
      if (!task) break;
      this.#sending += 1;
      this.#send(task);
    }
    if (this.#sending === 0) this.#done();
  }

  #send(task: Task): void {
    const request = new XMLHttpRequest();
    request.open("PUT", addressFor(this.getAttribute("url") ?? "", task.path));
    request.setRequestHeader("X-CSRFToken", csrfToken());
    request.setRequestHeader("Content-Type", task.file.type || "application/octet-stream");
    request.upload.addEventListener("progress", (event) => this.#take(task, { kind: "progress", sent: event.loaded }));
    request.addEventListener("load", () =>
      this.#take(task, { kind: "answered", status: request.status, body: request.responseText }),
    );
    request.addEventListener("error", () => this.#take(task, { kind: "lost" }));
    request.addEventListener("loadend", () => this.#ended(task));
    request.send(task.file);
  }

  #take(task: Task, event: UploadEvent): void {
    task.upload = advance(task.upload, event, this.#words);
    this.#show(task);
  }

  #ended(task: Task): void {
    this.#sending -= 1;
    if (task.upload.phase === "stored") {
      this.dispatchEvent(new CustomEvent("file-drop:stored", { bubbles: true, detail: task.file.name }));
    } else this.#refused += 1;
    this.#sendNext();
  }

  #done(): void {
    const isWhole = this.#refused === 0;
    this.#refused = 0;
    this.dispatchEvent(new CustomEvent("file-drop:done", { bubbles: true, detail: isWhole }));
    if (isWhole && this.hasAttribute("refresh")) location.reload();
  }

  #show({ path, upload, item }: Task): void {
    const percent = percentOf(upload);
    const glyph = item.querySelector(".gl");
    if (glyph) setMark(glyph, MARKS[upload.phase]);
    setText(item, "[data-name]", path);
    setText(item, "[data-figure]", upload.phase === "sending" ? `${percent} %` : formatBytes(upload.size));
    const meter = item.querySelector(".meter");
    meter?.setAttribute("aria-valuenow", String(percent));
    meter?.setAttribute("aria-label", path);
    meter?.querySelector("rect")?.setAttribute("width", `${percent}%`);
    meter?.toggleAttribute("hidden", upload.phase === "stored" || upload.phase === "refused");
    const error = item.querySelector(".err");
    error?.toggleAttribute("hidden", upload.phase !== "refused");
    if (upload.phase === "refused") setText(item, "[data-error]", upload.because);
  }
}

function setText(root: ParentNode, selector: string, text: string): void {
  const element = root.querySelector(selector);
  if (element) element.textContent = text;
}
