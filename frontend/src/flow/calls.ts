// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** The API of flows as the editor uses it: every answer is a value, a lost line too. */
import { csrfToken } from "../core/csrf";
import type { Problem } from "./problems";

export interface FlowData {
  revision: number;
  source: string;
  format: string;
  edited_by: string | null;
  edited_at: string | null;
  problems: Problem[];
}

export type SaveAnswer =
  | { kind: "saved"; flow: FlowData }
  | { kind: "conflict"; by: string; at: string | null; revision: number }
  | { kind: "refused"; detail: string; problems: Problem[] }
  | { kind: "lost" };

interface Told {
  status: number;
  data: Record<string, unknown>;
}

export async function saveDraft(
  src: string,
  draft: { source: string; format: string },
  revision: number,
): Promise<SaveAnswer> {
  const told = await send("PUT", src, draft, { "If-Match": `"${revision}.*"` });
  if (!told) return { kind: "lost" };
  if (told.status === 200) return { kind: "saved", flow: told.data as unknown as FlowData };
  if (told.status === 412) return conflictOf(told.data);
  return { kind: "refused", detail: String(told.data["detail"] ?? ""), problems: problemsOf(told.data["errors"]) };
}

export async function readFlow(src: string): Promise<FlowData | null> {
  const told = await send("GET", src);
  return told?.status === 200 ? (told.data as unknown as FlowData) : null;
}

export async function checkText(source: string, format: string, project: string | null): Promise<Problem[] | null> {
  const told = await send("POST", "/api/v1/flows/validate/", { source, format, project_id: project });
  return told?.status === 200 ? problemsOf(told.data["problems"]) : null;
}

export async function convertText(
  source: string,
  to: string,
): Promise<{ source: string; lostComments: boolean } | { detail: string } | null> {
  const told = await send("POST", "/api/v1/flows/convert/", { source, to });
  if (!told) return null;
  if (told.status !== 200) return { detail: String(told.data["detail"] ?? "") };
  return { source: String(told.data["source"]), lostComments: told.data["lost_comments"] === true };
}

export function conflictOf(data: Record<string, unknown>): SaveAnswer {
  const at = data["edited_at"];
  return {
    kind: "conflict",
    by: String(data["edited_by"] ?? ""),
    at: typeof at === "string" ? at : null,
    revision: Number(data["revision"] ?? 0),
  };
}

export function problemsOf(told: unknown): Problem[] {
  if (!Array.isArray(told)) return [];
  return told.map((one: Record<string, unknown>) => ({
    place: String(one["place"] ?? ""),
    message: String(one["message"] ?? ""),
    severity: one["severity"] === "warning" ? "warning" : "error",
    line: typeof one["line"] === "number" ? one["line"] : null,
    column: typeof one["column"] === "number" ? one["column"] : null,
  }));
}

async function send(method: string, url: string, body?: unknown, extra: Record<string, string> = {}): Promise<Told | null> {
  const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrfToken(), ...extra };
  try {
    const answer = await fetch(url, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    return { status: answer.status, data: (await answer.json()) as Record<string, unknown> };
  } catch {
    return null;
  }
}
