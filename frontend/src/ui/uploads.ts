// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** The life of one upload, apart from any page or request. */
export type Upload =
  | { phase: "queued"; sent: 0; size: number }
  | { phase: "sending"; sent: number; size: number }
  | { phase: "stored"; sent: number; size: number }
  | { phase: "refused"; sent: number; size: number; because: string };

export type UploadEvent =
  | { kind: "progress"; sent: number }
  | { kind: "answered"; status: number; body: string }
  | { kind: "lost" };

export interface UploadWords {
  lost: string;
  refused: string;
}

export function advance(upload: Upload, event: UploadEvent, words: UploadWords): Upload {
  if (upload.phase === "stored" || upload.phase === "refused") return upload;
  const { size } = upload;
  switch (event.kind) {
    case "progress":
      return { phase: "sending", sent: Math.max(upload.sent, Math.min(event.sent, size)), size };
    case "lost":
      return { phase: "refused", sent: upload.sent, size, because: words.lost };
    case "answered":
      if (event.status >= 200 && event.status < 300) return { phase: "stored", sent: size, size };
      return { phase: "refused", sent: upload.sent, size, because: reasonIn(event.body) ?? words.refused };
  }
}

export function percentOf(upload: Upload): number {
  if (upload.phase === "stored") return 100;
  return upload.size === 0 ? 0 : Math.floor((upload.sent / upload.size) * 100);
}

/** `{name}` in the address is replaced by the file's name; without it the name is the last segment. */
export function addressFor(template: string, name: string): string {
  const safe = name.split("/").map(encodeURIComponent).join("/");
  if (template.includes("{name}")) return template.replace("{name}", safe);
  return `${template.replace(/\/$/, "")}/${safe}`;
}

function reasonIn(body: string): string | null {
  try {
    const problem: unknown = JSON.parse(body);
    if (typeof problem !== "object" || problem === null) return null;
    const { detail, title } = problem as { detail?: unknown; title?: unknown };
    return typeof detail === "string" ? detail : typeof title === "string" ? title : null;
  } catch {
    return null;
  }
}
