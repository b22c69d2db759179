// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** One entry of the journal as one line of the console: pure, so that the wording can be tested. */
import type { Mark } from "../core/glyphs";
import type { Words } from "../core/words";
import type { Frame } from "./reduce";

export interface Line {
  seq: number;
  at: string;
  nodeId: string;
  mark: Mark;
  message: string;
  isFailure: boolean;
}

const LINE_MARKS: Readonly<Record<string, Mark>> = {
  "run.accepted": "queue",
  "run.started": "run",
  "run.waiting": "wait",
  "step.intended": "run",
  "step.done": "ok",
  "step.failed": "fail",
  "step.retry": "wait",
  "step.skipped": "skip0",
  "approval.decided": "ok",
};

const ENDINGS: Readonly<Record<string, Mark>> = { succeeded: "ok", failed: "fail", cancelled: "skip0" };

export function lineOf(frame: Frame, words: Words): Line {
  const mark = markOf(frame);
  return {
    seq: frame.seq ?? 0,
    at: frame.at ?? "",
    nodeId: frame.node_id ?? "",
    mark,
    message: messageOf(frame, words),
    isFailure: mark === "fail" || frame.data?.["level"] === "error",
  };
}

function markOf(frame: Frame): Mark {
  if (frame.type === "run.finished") return ENDINGS[String(frame.data?.["status"])] ?? "ok";
  if (frame.type === "note") return frame.data?.["level"] === "error" ? "fail" : "queue";
  return LINE_MARKS[frame.type] ?? "queue";
}

function messageOf(frame: Frame, words: Words): string {
  const told = frame.data?.["message"] ?? errorIn(frame.data?.["error"]);
  if (typeof told === "string" && told !== "") return told;
  const status = frame.data?.["status"];
  const ending = frame.type === "run.finished" && typeof status === "string" ? words.get(status) : undefined;
  return ending ?? words.get(frame.type) ?? frame.type;
}

function errorIn(error: unknown): unknown {
  if (typeof error === "object" && error !== null && "message" in error) return error.message;
  return error;
}
