// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import { type Mark, setMark } from "../core/glyphs";
import { type Words, wordsIn } from "../core/words";
import { ConsoleView } from "./console-view";
import { NodeDetails } from "./node-details";
import { fold, type Frame, isFinished, type RunStatus, type RunView } from "./reduce";
import { changesStanding, Standing } from "./standing";
import { type Connection, RunStream } from "./stream";
import { TimelineView } from "./timeline-view";

const STATUS_MARKS: Readonly<Record<RunStatus, Mark>> = {
  queued: "queue",
  running: "run",
  waiting: "wait",
  succeeded: "ok",
  failed: "fail",
  cancelled: "skip0",
};
const TICK = 1000;
/** Laying out and painting a long run takes longer than a frame of animation: between two, the tab is its reader's. */
const REST = 100;

/**
 * `<run-live src after status [standing] [step] [refresh-when-finished=address]>`: keeps the server's first paint of a run
 * current. It looks for the partials' `[data-timeline]`, `[data-console]` and `[data-cut]` inside itself, and for
 * `[data-run-status]` anywhere on the page. `standing` and `step` are where parts of the page are read anew. Fires `run:finished` (bubbling, detail: the status) once.
 */
export class RunLive extends HTMLElement {
  #view!: RunView;
  #words: Words = new Map();
  #timeline: TimelineView | null = null;
  #console: ConsoleView | null = null;
  #details: NodeDetails | null = null;
  #standing: Standing | null = null;
  #stream: RunStream | null = null;
  #ticker: ReturnType<typeof setInterval> | undefined;
  #waiting: Frame[] = [];
  #shownAt = -REST;
  #catchingUp: ReturnType<typeof setTimeout> | undefined;

  connectedCallback(): void {
    this.#words = wordsIn(this);
    this.#timeline = TimelineView.in(this, this.#words);
    this.#details = NodeDetails.in(this, this.getAttribute("step"));
    this.#standing = new Standing(this.getAttribute("standing"));
    this.#console = ConsoleView.in(this, this.#words);
    this.#view = this.#firstView();
    if (isFinished(this.#view.status)) return this.#showConnection("ended");
    this.#stream = new RunStream({
      src: this.getAttribute("src") ?? "",
      lastSeq: () => this.#view.seq,
      onFrame: (frame) => this.take(frame),
      onConnection: (connection) => this.#changeConnection(connection),
    });
    this.#stream.open();
    this.#ticker = setInterval(() => this.#timeline?.tick(this.#view.steps, Date.now()), TICK);
  }

  disconnectedCallback(): void {
    clearInterval(this.#ticker);
    clearTimeout(this.#catchingUp);
    this.#details?.close();
    this.#waiting = [];
    this.#stream?.close();
  }

  /** Takes in one frame of the stream, to be shown with all that come before the page is next drawn. */
  take(frame: Frame): void {
    if (this.#waiting.push(frame) > 1) return;
    const rest = Math.max(0, this.#shownAt + REST - performance.now());
    this.#catchingUp = setTimeout(() => this.#catchUp(), rest);
  }

  /** Shows what came since the last time, at once; an entry already known changes nothing. */
  #catchUp(): void {
    clearTimeout(this.#catchingUp);
    this.#shownAt = performance.now();
    const before = this.#view;
    const { view: after, entries, changed } = fold(before, this.#waiting.splice(0));
    if (after === before) return;
    this.#view = after;
    if (entries.length > 0 || after.drafts !== before.drafts) this.#console?.show(entries, after.drafts);
    if (changed.size > 0) this.#timeline?.show(after.steps, Date.now(), changed);
    if (after.status !== before.status) this.#showStatus(after.status);
    if (entries.some((entry) => entry.type === "run.finished")) return this.#finish(after.status);
    if (after.status !== before.status || entries.some(changesStanding)) this.#standing?.refresh();
    this.#details?.changed(changed);
    const isNewGap = after.hasGap && (!before.hasGap || after.seq > before.seq);
    if (isNewGap) this.#stream?.open();
  }

  /** The stream is resumed after the last entry taken in: none may still be waiting when the line is lost. */
  #changeConnection(connection: Connection): void {
    if (connection === "reconnecting") this.#catchUp();
    this.#showConnection(connection);
  }

  #firstView(): RunView {
    return {
      seq: Number(this.getAttribute("after") ?? "0"),
      status: (this.getAttribute("status") ?? "queued") as RunStatus,
      steps: this.#timeline?.read() ?? new Map(),
      drafts: new Map(),
      isPaused: this.hasAttribute("paused"),
      hasGap: false,
    };
  }

  #finish(status: RunStatus): void {
    clearInterval(this.#ticker);
    this.#stream?.close();
    this.#showConnection("ended");
    this.dispatchEvent(new CustomEvent("run:finished", { bubbles: true, detail: status }));
    this.#details?.leave();
    // Not a reload: where this page is the answer to a form, that would send the form again. What is open stays open.
    const page = this.getAttribute("refresh-when-finished");
    if (page !== null) location.replace(page ? `${page}${location.search}` : location.href);
  }

  #showStatus(status: RunStatus): void {
    this.setAttribute("status", status);
    for (const pill of document.querySelectorAll("[data-run-status]")) {
      setMark(pill, STATUS_MARKS[status]);
      const word = pill.querySelector("[data-word-of]");
      if (word) word.textContent = this.#words.get(status) ?? status;
    }
  }

  #showConnection(connection: Connection): void {
    this.querySelector("[data-cut]")?.toggleAttribute("hidden", connection !== "reconnecting");
    const pill = this.querySelector("[data-connection]");
    if (!pill) return;
    setMark(pill, connection === "connected" ? "run" : connection === "ended" ? "skip0" : "wait");
    const word = pill.querySelector("[data-word-of]");
    if (word) word.textContent = this.#words.get(connection) ?? connection;
  }
}

