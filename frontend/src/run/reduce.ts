// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** What the run page knows, as a pure fold over the run's events. No DOM here. */
import type { Mark } from "../core/glyphs";

export type RunStatus = "queued" | "running" | "waiting" | "succeeded" | "failed" | "cancelled";

export interface Frame {
  type: string;
  seq?: number | null;
  at?: string | null;
  node_id?: string | null;
  data?: Record<string, unknown> | null;
}

export interface Step {
  id: string;
  mark: Mark;
  startedAt: number | null;
  seconds: number | null;
  tokens: number | null;
  cost: number | null;
  /** How often it was begun; one that asks nobody is not counted. */
  tries: number;
  /** Why it was left out: `not_reached`, `not_needed`, `cancelled`, `failed`. */
  reason: string;
  /** It failed, and the flow dealt with that. */
  isRecovered: boolean;
  /** How a model's answer came about; null where there is nothing to tell. */
  way: Way | null;
  /** Of a node that does a body in lanes; of any other null. */
  lanes: Lanes | null;
}

export interface Way {
  /** The route and who answered; empty where no route was named. */
  text: string;
  /** Somebody else was asked first. */
  hasFallenBack: boolean;
  /** It was given before. */
  isCached: boolean;
}

export interface Lanes {
  kind: string;
  /** The node that a lane ends with. */
  exit: string;
  /** How many there will be; null where nobody knows yet. */
  count: number | null;
  begun: number;
  ended: number;
}

export interface RunView {
  /** The newest entry taken in; the stream is resumed after it. */
  seq: number;
  status: RunStatus;
  steps: ReadonlyMap<string, Step>;
  /** Text a model is still writing, by node; the node's next entry replaces it. */
  drafts: ReadonlyMap<string, string>;
  /** Somebody paused it: nothing begins until it is resumed. */
  isPaused: boolean;
  /** An entry is missing between `seq` and what came: ask again from `seq`. */
  hasGap: boolean;
}

const STATUSES: ReadonlySet<string> = new Set(["queued", "running", "waiting", "succeeded", "failed", "cancelled"]);

export function isFinished(status: RunStatus): boolean {
  return status === "succeeded" || status === "failed" || status === "cancelled";
}

/** What a batch of frames comes to: the view, and what in it is new. */
export interface Folded {
  /** The same object when the frames teach nothing new, so callers compare by identity. */
  view: RunView;
  /** The entries taken in, in their order. */
  entries: readonly Frame[];
  /** The steps that differ. */
  changed: ReadonlySet<string>;
}

/** Takes in frames in their order. A batch copies the steps once, however many frames it holds. */
export function fold(view: RunView, frames: Iterable<Frame>): Folded {
  const folding = new Folding(view);
  for (const frame of frames) folding.take(frame);
  return folding.result();
}

/** A map that copies what it stands on at the first change, and only then. */
class Draft<V> {
  #copy: Map<string, V> | null = null;

  constructor(private readonly base: ReadonlyMap<string, V>) {}

  get now(): ReadonlyMap<string, V> {
    return this.#copy ?? this.base;
  }

  change(): Map<string, V> {
    return (this.#copy ??= new Map(this.base));
  }
}

class Folding {
  readonly #steps: Draft<Step>;
  readonly #drafts: Draft<string>;
  readonly #entries: Frame[] = [];
  readonly #changed = new Set<string>();
  #seq: number;
  #status: RunStatus;
  #isPaused: boolean;
  #hasGap: boolean;

  constructor(private readonly view: RunView) {
    this.#steps = new Draft(view.steps);
    this.#drafts = new Draft(view.drafts);
    this.#seq = view.seq;
    this.#status = view.status;
    this.#isPaused = view.isPaused;
    this.#hasGap = view.hasGap;
  }

  take(frame: Frame): void {
    if (typeof frame.seq !== "number") return this.#takeEphemeral(frame);
    if (frame.seq <= this.#seq) return;
    this.#hasGap = frame.seq > this.#seq + 1;
    if (this.#hasGap) return;
    this.#seq = frame.seq;
    this.#isPaused = isPausedAfter(this.#isPaused, frame);
    this.#status = statusAfter(this.#status, frame);
    if (this.#isPaused && this.#status === "running") this.#status = "waiting";
    this.#takeStep(frame);
    if (frame.node_id && this.#drafts.now.has(frame.node_id)) this.#drafts.change().delete(frame.node_id);
    this.#entries.push(frame);
  }

  result(): Folded {
    const { view } = this;
    const steps = this.#steps.now;
    const drafts = this.#drafts.now;
    const isKnown = this.#seq === view.seq && this.#hasGap === view.hasGap;
    const isSame = isKnown && steps === view.steps && drafts === view.drafts;
    const after = { seq: this.#seq, status: this.#status, steps, drafts, isPaused: this.#isPaused, hasGap: this.#hasGap };
    return { view: isSame ? view : after, entries: this.#entries, changed: this.#changed };
  }

  #takeEphemeral(frame: Frame): void {
    const node = frame.node_id;
    if (!node || isFinished(this.#status)) return;
    if (frame.type === "step.started") return this.#takeStep(frame);
    const text = frame.data?.["text"];
    if (frame.type !== "delta" || typeof text !== "string" || hasEnded(this.#steps.now.get(node))) return;
    this.#drafts.change().set(node, (this.#drafts.now.get(node) ?? "") + text);
  }

  #takeStep(frame: Frame): void {
    const node = frame.node_id;
    const mark = STEP_MARKS[frame.type];
    if (!node || !mark) return;
    if (node.includes("/")) return this.#takeInside(node, frame);
    this.#steps.change().set(node, stepAfter(this.#steps.now.get(node) ?? emptyStep(node), mark, frame));
    this.#changed.add(node);
  }

  #takeInside(key: string, frame: Frame): void {
    const owner = key.slice(0, key.indexOf("["));
    const step = this.#steps.now.get(owner);
    if (step) this.#steps.change().set(owner, insideOf(step, key, frame));
    this.#changed.add(owner);
    this.#changed.add(key);
  }
}

/** What a step in a lane means for the node of the flow that the lane belongs to, however deep it stands. */
export function insideOf(step: Step, key: string, frame: Frame): Step {
  const spent = { ...step, tokens: sum(step.tokens, tokensOf(frame)), cost: sum(step.cost, costOf(frame)) };
  const [, index, rest] = LANE.exec(key.slice(step.id.length)) ?? [];
  if (!step.lanes || index === undefined || rest === undefined) return spent;
  const isEnd = frame.type === "step.done" && rest === step.lanes.exit;
  const begun = Math.max(step.lanes.begun, Number(index) + 1);
  return { ...spent, lanes: { ...step.lanes, begun, ended: step.lanes.ended + (isEnd ? 1 : 0) } };
}

const LANE = /^\[(\d+)\]\/(.*)$/;

/** Pieces travel beside the journal and may come after the entry that ends their step: its result stands already. */
function hasEnded(step: Step | undefined): boolean {
  return step?.mark === "ok" || step?.mark === "fail" || step?.mark === "skip0";
}

function isPausedAfter(isPaused: boolean, frame: Frame): boolean {
  if (frame.data?.["paused_by"] !== undefined) return true;
  return isPaused && frame.data?.["resumed_by"] === undefined;
}

function statusAfter(status: RunStatus, frame: Frame): RunStatus {
  switch (frame.type) {
    case "run.accepted":
      return "queued";
    case "run.waiting":
      return "waiting";
    case "run.finished":
      return statusIn(frame) ?? "succeeded";
    case "note":
      return status;
    default:
      return "running";
  }
}

function statusIn(frame: Frame): RunStatus | null {
  const status = frame.data?.["status"];
  return typeof status === "string" && STATUSES.has(status) ? (status as RunStatus) : null;
}

const STEP_MARKS: Readonly<Record<string, Mark>> = {
  "step.intended": "run",
  "step.started": "run",
  "step.retry": "run",
  "step.done": "ok",
  "step.failed": "fail",
  "step.skipped": "skip0",
  "run.waiting": "wait",
  "approval.decided": "run",
};

function stepAfter(step: Step, mark: Mark, frame: Frame): Step {
  const known = timeAfter(step, mark, frame);
  return {
    ...known,
    tries: step.tries + (frame.type === "step.intended" ? 1 : 0),
    reason: mark === "skip0" ? textIn(frame, "reason") : step.reason,
    isRecovered: mark === "fail" && frame.data?.["result"] !== undefined,
    way: mark === "ok" ? wayIn(frame) : step.way,
    lanes: step.lanes && { ...step.lanes, count: numberIn(frame.data, "count") ?? step.lanes.count },
  };
}

function wayIn(frame: Frame): Way | null {
  const result = frame.data?.["result"];
  if (typeof result !== "object" || result === null || !("usage" in result)) return null;
  const told = result as Record<string, unknown>;
  const attempts = told["attempts"];
  const route = told["route"];
  const way = {
    text: typeof route === "string" ? `${route} → ${String(told["model"])}` : "",
    hasFallenBack: Array.isArray(attempts) && attempts.length > 1,
    isCached: told["is_cached"] === true,
  };
  return way.text || way.hasFallenBack || way.isCached ? way : null;
}

function textIn(frame: Frame, name: string): string {
  const value = frame.data?.[name];
  return typeof value === "string" ? value : "";
}

function timeAfter(step: Step, mark: Mark, frame: Frame): Step {
  const at = frame.at ? Date.parse(frame.at) : Number.NaN;
  const moment = Number.isNaN(at) ? null : at;
  if (mark === "run" || mark === "wait") {
    return { ...step, mark, startedAt: step.startedAt ?? moment, seconds: null };
  }
  if (mark === "skip0") {
    return { ...step, mark, seconds: step.startedAt === null ? null : secondsOf(frame, step.startedAt, moment) };
  }
  // One that asks nobody is told of when it is done: it took no time.
  const seconds = secondsOf(frame, step.startedAt ?? moment, moment);
  return {
    ...step,
    mark,
    seconds,
    startedAt: step.startedAt ?? (moment === null ? null : moment - (seconds ?? 0) * 1000),
    tokens: sum(step.tokens, tokensOf(frame)),
    cost: sum(step.cost, costOf(frame)),
  };
}

function emptyStep(id: string): Step {
  return { id, mark: "queue", startedAt: null, seconds: null, tokens: null, cost: null, tries: 0, reason: "", isRecovered: false, way: null, lanes: null };
}

function secondsOf(frame: Frame, startedAt: number | null, endedAt: number | null): number | null {
  const told = numberIn(frame.data, "duration_seconds");
  if (told !== null) return told;
  return startedAt !== null && endedAt !== null ? Math.max(0, endedAt - startedAt) / 1000 : null;
}

function tokensOf(frame: Frame): number | null {
  const usage = usageIn(frame);
  const told = numberIn(frame.data, "tokens");
  return told ?? sum(numberIn(usage, "input_tokens"), numberIn(usage, "output_tokens"));
}

function costOf(frame: Frame): number | null {
  return numberIn(frame.data, "cost_usd") ?? numberIn(frame.data, "cost") ?? numberIn(usageIn(frame), "cost_usd");
}

function usageIn(frame: Frame): Record<string, unknown> | null {
  const usage = frame.data?.["usage"];
  return typeof usage === "object" && usage !== null ? (usage as Record<string, unknown>) : null;
}

function numberIn(data: Record<string, unknown> | null | undefined, name: string): number | null {
  const value = data?.[name];
  if (typeof value !== "number" && (typeof value !== "string" || value === "")) return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

function sum(left: number | null, right: number | null): number | null {
  if (left === null) return right;
  return right === null ? left : left + right;
}
