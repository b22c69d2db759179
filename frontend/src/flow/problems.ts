// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** What the server found wrong with a flow, and which part of the text that is. */
export interface Problem {
  place: string;
  message: string;
  severity: "error" | "warning";
  line: number | null;
  column: number | null;
}

export interface Span {
  from: number;
  to: number;
}

/** The word at a problem's line and column, both from 1; the start of the text where neither is known. */
export function spanOf(text: string, { line, column }: Pick<Problem, "line" | "column">): Span {
  if (line === null) return { from: 0, to: 0 };
  const start = startOfLine(text, line);
  const end = endOfLine(text, start);
  const from = Math.min(start + Math.max(0, (column ?? 1) - 1), end);
  const rest = text.slice(from, end);
  const word = /^(?:"(?:[^"\\]|\\.)*"?|[\w.-]+|\S)/.exec(rest)?.[0] ?? "";
  return { from, to: from + word.length };
}

export function isSound(problems: readonly Problem[]): boolean {
  return problems.every((problem) => problem.severity !== "error");
}

function startOfLine(text: string, line: number): number {
  let start = 0;
  for (let passed = 1; passed < line; passed++) {
    const next = text.indexOf("\n", start);
    if (next < 0) return start;
    start = next + 1;
  }
  return start;
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf("\n", start);
  return end < 0 ? text.length : end;
}
