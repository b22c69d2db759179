// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** Where each step lies on the run's own axis, in percent of a round time. */
import { formatDuration } from "../core/measures";
import type { Step } from "./reduce";

export interface Span {
  x: number;
  width: number;
}

export interface Axis {
  /** When the first step started; endless while none has. */
  origin: number;
  seconds: number;
  spans: ReadonlyMap<string, Span>;
}

const ROUND_SECONDS = [
  0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21600, 43200, 86400,
];
const THINNEST = 0.8;

export function axisOf(steps: Iterable<Step>, now: number): Axis {
  const started = [...steps].filter((step) => step.startedAt !== null);
  const origin = Math.min(...started.map((step) => step.startedAt ?? now));
  const ends = started.map((step) => (step.startedAt ?? now) + secondsSoFar(step, now) * 1000);
  const seconds = started.length > 0 ? roundUp((Math.max(...ends) - origin) / 1000) : 1;
  const spans = new Map<string, Span>();
  for (const step of started) {
    const x = (((step.startedAt ?? origin) - origin) / 1000 / seconds) * 100;
    const width = Math.max((secondsSoFar(step, now) / seconds) * 100, THINNEST);
    spans.set(step.id, { x: Math.min(x, 100 - THINNEST), width });
  }
  return { origin, seconds, spans };
}

/** The axis's own end: a round time needs no tenths. */
export function axisEnd(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  return seconds < 120 ? `${seconds} s` : formatDuration(seconds);
}

export function secondsSoFar(step: Step, now: number): number {
  if (step.seconds !== null) return step.seconds;
  return step.startedAt === null ? 0 : Math.max(0, (now - step.startedAt) / 1000);
}

/** From the first beginning to the last end: what goes on side by side takes its time once. */
export function secondsAcross(steps: readonly Step[], now: number): number | null {
  const started = steps.filter((step) => step.startedAt !== null);
  if (started.length === 0) return null;
  const ends = started.map((step) => (step.startedAt ?? now) + secondsSoFar(step, now) * 1000);
  return (Math.max(...ends) - Math.min(...started.map((step) => step.startedAt ?? now))) / 1000;
}

function roundUp(seconds: number): number {
  return ROUND_SECONDS.find((round) => round >= seconds) ?? Math.ceil(seconds / 86400) * 86400;
}
