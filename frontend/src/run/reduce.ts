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
}

export interface RunView {
  /** The newest entry taken in; the stream is resumed after it. */
  seq: number;
  status: RunStatus;
  steps: ReadonlyMap<string, Step>;
  /** Text a model is still writing, by node; the node's next entry replaces it. */
  drafts: ReadonlyMap<string, string>;
  /** An entry is missing between `seq` and what came: ask again from `seq`. */
  hasGap: boolean;
}

const STATUSES: ReadonlySet<string> = new Set(["queued", "running", "waiting", "succeeded", "failed", "cancelled"]);

export function isFinished(status: RunStatus): boolean {
  return status === "succeeded" || status === "failed" || status === "cancelled";
}

/** Returns the same object when the frame teaches nothing new, so callers compare by identity. */
export function reduce(view: RunView, frame: Frame): RunView {
  if (typeof frame.seq !== "number") return reduceEphemeral(view, frame);
  if (frame.seq <= view.seq) return view;
  if (frame.seq > view.seq + 1) return view.hasGap ? view : { ...view, hasGap: true };
  return {
    seq: frame.seq,
    status: statusAfter(view.status, frame),
    steps: stepsAfter(view.steps, frame),
    drafts: without(view.drafts, frame.node_id),
    hasGap: false,
  };
}

function reduceEphemeral(view: RunView, frame: Frame): RunView {
  const node = frame.node_id;
  if (!node || isFinished(view.status)) return view;
  if (frame.type === "step.started") return { ...view, steps: stepsAfter(view.steps, frame) };
  const text = frame.data?.["text"];
  if (frame.type !== "delta" || typeof text !== "string" || hasEnded(view.steps.get(node))) return view;
  return { ...view, drafts: new Map(view.drafts).set(node, (view.drafts.get(node) ?? "") + text) };
}

/** Pieces travel beside the journal and may come after the entry that ends their step: its result stands already. */
function hasEnded(step: Step | undefined): boolean {
  return step?.mark === "ok" || step?.mark === "fail" || step?.mark === "skip0";
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

function stepsAfter(steps: ReadonlyMap<string, Step>, frame: Frame): ReadonlyMap<string, Step> {
  const node = frame.node_id;
  const mark = STEP_MARKS[frame.type];
  if (!node || !mark) return steps;
  return new Map(steps).set(node, stepAfter(steps.get(node) ?? emptyStep(node), mark, frame));
}

function stepAfter(step: Step, mark: Mark, frame: Frame): Step {
  const at = frame.at ? Date.parse(frame.at) : Number.NaN;
  const moment = Number.isNaN(at) ? null : at;
  if (mark === "run" || mark === "wait") {
    return { ...step, mark, startedAt: step.startedAt ?? moment, seconds: null };
  }
  if (mark === "skip0") return { ...step, mark };
  const seconds = secondsOf(frame, step.startedAt, moment);
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
  return { id, mark: "queue", startedAt: null, seconds: null, tokens: null, cost: null };
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

function without(drafts: ReadonlyMap<string, string>, node: string | null | undefined): ReadonlyMap<string, string> {
  if (!node || !drafts.has(node)) return drafts;
  const left = new Map(drafts);
  left.delete(node);
  return left;
}
