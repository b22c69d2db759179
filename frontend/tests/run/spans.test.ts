// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import { expect, it } from "vitest";
import type { Step } from "../../src/run/reduce";
import { axisOf } from "../../src/run/spans";

const step = (id: string, startedAt: number | null, seconds: number | null): Step => ({
  id,
  mark: "ok",
  startedAt,
  seconds,
  tokens: null,
  cost: null,
  tries: 0,
  reason: "",
  isRecovered: false, way: null,
  lanes: null,
});

it("lays the steps on an axis of round seconds", () => {
  const axis = axisOf([step("a", 0, 6), step("b", 6000, 36), step("c", null, null)], 0);

  expect(axis.seconds).toBe(60);
  expect(axis.spans.get("a")).toEqual({ x: 0, width: 10 });
  expect(axis.spans.get("b")).toEqual({ x: 10, width: 60 });
  expect(axis.spans.has("c")).toBe(false);
});

it("lets a running step grow until now, and shows a step that took no time", () => {
  const axis = axisOf([step("a", 0, 0), step("b", 0, null)], 5000);

  expect(axis.spans.get("b")).toEqual({ x: 0, width: 100 });
  expect(axis.spans.get("a")?.width).toBeGreaterThan(0);
});

it("has an axis before anything started", () => {
  expect(axisOf([], 0)).toEqual({ origin: Infinity, seconds: 1, spans: new Map() });
});
