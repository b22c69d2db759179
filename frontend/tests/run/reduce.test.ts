// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import { describe, expect, it } from "vitest";
import { fold, type Frame, type RunView } from "../../src/run/reduce";

const EMPTY: RunView = { seq: 0, status: "queued", steps: new Map(), drafts: new Map(), isPaused: false, hasGap: false };

const RUN: Frame[] = [
  { seq: 1, type: "run.accepted", at: "2025-11-20T10:42:00.000Z" },
  { seq: 2, type: "run.started", at: "2025-11-20T10:42:00.100Z" },
  { seq: 3, type: "step.intended", at: "2025-11-20T10:42:00.200Z", node_id: "plan" },
  {
    seq: 4,
    type: "step.done",
    at: "2025-11-20T10:42:07.000Z",
    node_id: "plan",
    data: { usage: { input_tokens: 4000, output_tokens: 224, cost_usd: "0.0224" } },
  },
  { seq: 5, type: "run.finished", at: "2025-11-20T10:42:07.100Z", data: { status: "succeeded" } },
];

const reduce = (view: RunView, frame: Frame): RunView => fold(view, [frame]).view;
const follow = (frames: Frame[], from = EMPTY): RunView => frames.reduce(reduce, from);

describe("a node that does its body in lanes", () => {
  const lanes = { kind: "map", exit: "end", count: null, begun: 0, ended: 0 };
  const each = { id: "each", mark: "queue" as const, startedAt: null, seconds: null, tokens: null, cost: null, tries: 0, reason: "", isRecovered: false, way: null, lanes };
  const of = (seq: number, type: string, node_id: string, data = {}): Frame => ({ seq, type, node_id, data });

  it("says how many began and ended, counts what they spent, and gives them no rows of their own", () => {
    const start: RunView = { ...EMPTY, steps: new Map([["each", each]]) };

    const view = follow(
      [
        of(1, "step.intended", "each", { count: 3 }),
        of(2, "step.done", "each[0]/start"),
        of(3, "step.done", "each[1]/start"),
        of(4, "step.done", "each[1]/deep[0]/end"),
        of(5, "step.done", "each[1]/draft", { usage: { input_tokens: 3, output_tokens: 2, cost_usd: 0 } }),
        of(6, "step.done", "each[1]/end"),
      ],
      start,
    );

    expect([...view.steps.keys()]).toEqual(["each"]);
    expect(view.steps.get("each")).toMatchObject({ tokens: 5, lanes: { count: 3, begun: 2, ended: 1 } });
  });
});

describe("a run followed live", () => {
  it("ends with each step's time, tokens and cost", () => {
    const view = follow(RUN);

    expect(view.status).toBe("succeeded");
    expect(view.seq).toBe(5);
    expect(view.steps.get("plan")).toMatchObject({ mark: "ok", seconds: 6.8, tokens: 4224, cost: 0.0224 });
  });

  it("tells by which route an answer came, whom it fell back from, and what was given before", () => {
    const usage = { input_tokens: 1, output_tokens: 1, cost_usd: 0 };
    const attempts = [{ deployment: "gpt-4o", seconds: 1, error: "model_overloaded" }, { deployment: "llama3", seconds: 2 }];
    const of = (seq: number, node_id: string, more: object): Frame => ({ seq, type: "step.done", node_id, data: { usage, result: { text: "Hi.", model: "llama3", usage, ...more } } });

    const view = follow([of(1, "routed", { route: "smart", attempts }), of(2, "cached", { is_cached: true }), of(3, "plain", {})]);

    expect(view.steps.get("routed")?.way).toEqual({ text: "smart → llama3", hasFallenBack: true, isCached: false });
    expect(view.steps.get("cached")?.way).toEqual({ text: "", hasFallenBack: false, isCached: true });
    expect(view.steps.get("plain")?.way).toBeNull();
  });

  it("comes to the same in one batch as entry by entry, and names what is new", () => {
    const { view, entries, changed } = fold(EMPTY, [...RUN.slice(0, 3), ...RUN.slice(1)]);

    expect(view).toEqual(follow(RUN));
    expect(entries).toEqual(RUN);
    expect([...changed]).toEqual(["plan"]);
    expect(EMPTY.steps.size).toBe(0);
  });

  it("counts nothing twice when the line is cut and entries are sent again", () => {
    const cut = follow(RUN.slice(0, 4));

    const view = follow([...RUN.slice(1, 4), ...RUN.slice(4)], cut);

    expect(view).toEqual(follow(RUN));
    expect(view.steps.get("plan")?.tokens).toBe(4224);
  });

  it("lets no late piece of text stand beside the result of its step", () => {
    const view = follow([...RUN.slice(0, 4), { type: "delta", node_id: "plan", data: { text: "late" } }]);

    expect(view.drafts.size).toBe(0);
  });

  it("does not take an entry that leaves a hole before it", () => {
    const view = follow([RUN[0]!, RUN[3]!]);

    expect(view.hasGap).toBe(true);
    expect(view.seq).toBe(1);
    expect(view.steps.has("plan")).toBe(false);
  });

  it("closes the hole when the missing entries come", () => {
    const view = follow([RUN[0]!, RUN[3]!, ...RUN.slice(1)]);

    expect(view).toEqual(follow(RUN));
  });

  it("shows what a model is writing until its entry replaces it", () => {
    const writing = follow([
      ...RUN.slice(0, 3),
      { type: "delta", node_id: "plan", data: { text: "Upgrade " } },
      { type: "delta", node_id: "plan", data: { text: "urllib3" } },
    ]);

    expect(writing.drafts.get("plan")).toBe("Upgrade urllib3");
    expect(reduce(writing, RUN[3]!).drafts.size).toBe(0);
  });

  it("marks a pure step as running before its entry exists, without moving the place in the journal", () => {
    const view = follow([...RUN.slice(0, 2), { type: "step.started", node_id: "check", at: "2025-11-20T10:42:01Z" }]);

    expect(view.steps.get("check")?.mark).toBe("run");
    expect(view.seq).toBe(2);
  });

  it("ignores ephemeral frames that arrive after the end", () => {
    const finished = follow(RUN);

    expect(reduce(finished, { type: "step.started", node_id: "plan" })).toBe(finished);
    expect(reduce(finished, { type: "delta", node_id: "plan", data: { text: "x" } })).toBe(finished);
  });

  it("waits for a person and goes on", () => {
    const waiting = follow([
      ...RUN.slice(0, 2),
      { seq: 3, type: "run.waiting", node_id: "approve", at: "2025-11-20T10:42:02Z" },
    ]);
    const decided = reduce(waiting, { seq: 4, type: "approval.decided", node_id: "approve", at: "2025-11-20T10:44:02Z" });

    expect([waiting.status, waiting.steps.get("approve")?.mark]).toEqual(["waiting", "wait"]);
    expect(decided.status).toBe("running");
  });

  it("adds up the attempts of a step that was tried again", () => {
    const spent = { tokens: 100, cost_usd: 0.01 };
    const view = follow([
      { seq: 1, type: "step.failed", node_id: "tool", at: "2025-11-20T10:42:02Z", data: spent },
      { seq: 2, type: "step.retry", node_id: "tool", at: "2025-11-20T10:42:03Z" },
      { seq: 3, type: "step.done", node_id: "tool", at: "2025-11-20T10:42:09Z", data: spent },
    ]);

    expect(view.steps.get("tool")).toMatchObject({ mark: "ok", tokens: 200, cost: 0.02 });
  });

  it("keeps the status it knows when the ending names one it does not", () => {
    expect(reduce(EMPTY, { seq: 1, type: "run.finished", data: { status: "exploded" } }).status).toBe("succeeded");
  });
});
