// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** The run's server-sent events, reopened after the last entry taken in whenever the line is lost. */
import type { Frame } from "./reduce";

export type Connection = "connected" | "reconnecting" | "ended";

export interface StreamOptions {
  src: string;
  lastSeq: () => number;
  onFrame: (frame: Frame) => void;
  onConnection: (connection: Connection) => void;
}

const TYPES = [
  "run.accepted", "run.started", "run.waiting", "run.finished", "approval.decided", "note",
  "step.intended", "step.started", "step.done", "step.failed", "step.retry", "step.skipped", "delta", "progress",
];
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30_000;

export class RunStream {
  #source: EventSource | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pause = FIRST_PAUSE;

  constructor(private readonly options: StreamOptions) {}

  open(): void {
    this.#source?.close();
    clearTimeout(this.#timer);
    const address = new URL(this.options.src, document.baseURI);
    address.searchParams.set("after", String(this.options.lastSeq()));
    const source = new EventSource(address);
    source.addEventListener("open", () => this.#opened());
    source.addEventListener("error", () => this.#lost(source));
    for (const type of ["message", ...TYPES]) source.addEventListener(type, (event) => this.#heard(event));
    this.#source = source;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #opened(): void {
    this.#pause = FIRST_PAUSE;
    this.options.onConnection("connected");
  }

  #heard(event: Event): void {
    const frame = frameIn((event as MessageEvent<string>).data);
    if (frame) this.options.onFrame(frame);
  }

  /** The browser would reconnect from where it began; we close and ask for what comes after the last entry. */
  #lost(source: EventSource): void {
    source.close();
    if (this.#source !== source) return;
    this.options.onConnection("reconnecting");
    this.#timer = setTimeout(() => this.open(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }
}

export function frameIn(text: unknown): Frame | null {
  if (typeof text !== "string") return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "type" in value ? (value as Frame) : null;
  } catch {
    return null;
  }
}
