// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import { beforeEach, describe, expect, it } from "vitest";
import { conflictOf, problemsOf } from "../../src/flow/calls";
import { forget, keep, recall } from "../../src/flow/kept";
import { isSound, spanOf } from "../../src/flow/problems";

const KEPT = { source: "id: x", format: "yaml", revision: 3, at: 1_700_000_000_000 };

describe("what is kept in the browser", () => {
  beforeEach(() => localStorage.clear());

  it("comes back, flow by flow, until it is forgotten", () => {
    keep(localStorage, "a", KEPT);
    expect(recall(localStorage, "a")).toEqual(KEPT);
    expect(recall(localStorage, "b")).toBeNull();
    forget(localStorage, "a");
    expect(recall(localStorage, "a")).toBeNull();
  });

  it("is nothing where somebody else wrote under the same name", () => {
    localStorage.setItem("flow-draft:a", "not JSON");
    expect(recall(localStorage, "a")).toBeNull();
    localStorage.setItem("flow-draft:a", '{"source": 1}');
    expect(recall(localStorage, "a")).toBeNull();
  });

  it("stops nobody from writing where the store is full or forbidden", () => {
    const broken = {
      getItem: () => { throw new Error("forbidden"); },
      setItem: () => { throw new Error("full"); },
      removeItem: () => { throw new Error("forbidden"); },
    };
    keep(broken, "a", KEPT);
    forget(broken, "a");
    expect(recall(broken, "a")).toBeNull();
  });
});

describe("where a problem stands", () => {
  const text = '{\n  "id": "a b",\n  "nodes": []\n}';

  it("is the word at its line and column", () => {
    const { from, to } = spanOf(text, { line: 2, column: 9 });
    expect(text.slice(from, to)).toBe('"a b"');
  });

  it("stays inside the text however far off it is said to be", () => {
    expect(spanOf(text, { line: 99, column: 99 })).toEqual({ from: text.length, to: text.length });
    expect(spanOf(text, { line: null, column: null })).toEqual({ from: 0, to: 0 });
    expect(spanOf("", { line: 1, column: 1 })).toEqual({ from: 0, to: 0 });
  });
});

describe("what the server tells", () => {
  it("is read with care", () => {
    const [first] = problemsOf([{ place: "$", message: "m", line: 2, column: 1 }]);
    expect(first).toEqual({ place: "$", message: "m", severity: "error", line: 2, column: 1 });
    expect(problemsOf(null)).toEqual([]);
    expect(isSound(problemsOf([{ severity: "warning" }]))).toBe(true);
    expect(isSound(problemsOf([{ severity: "error" }]))).toBe(false);
    expect(conflictOf({ edited_by: "Ada", edited_at: null, revision: 4 })).toEqual({
      kind: "conflict", by: "Ada", at: null, revision: 4,
    });
  });
});
