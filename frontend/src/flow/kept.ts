// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** What was written and not saved yet, kept in this browser: a closed tab, a crash or a lost line costs nothing. */
export interface Kept {
  source: string;
  format: string;
  revision: number;
  at: number;
}

export interface Shelf {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export function keep(shelf: Shelf, flow: string, kept: Kept): void {
  try {
    shelf.setItem(keyOf(flow), JSON.stringify(kept));
  } catch {
    // A full or forbidden store must not stop anybody from writing; saving still works.
  }
}

export function recall(shelf: Shelf, flow: string): Kept | null {
  try {
    const found: unknown = JSON.parse(shelf.getItem(keyOf(flow)) ?? "null");
    return isKept(found) ? found : null;
  } catch {
    return null;
  }
}

export function forget(shelf: Shelf, flow: string): void {
  try {
    shelf.removeItem(keyOf(flow));
  } catch {
    // See above.
  }
}

function keyOf(flow: string): string {
  return `flow-draft:${flow}`;
}

function isKept(value: unknown): value is Kept {
  if (typeof value !== "object" || value === null) return false;
  const { source, format, revision, at } = value as Record<string, unknown>;
  return typeof source === "string" && typeof format === "string" && typeof revision === "number" && typeof at === "number";
}
