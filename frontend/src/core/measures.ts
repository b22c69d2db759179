// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** How figures are set. accounts/templatetags/ui.py sets the first paint by the same rules. */
export const DASH = "–";
// What would be set as a zero although it cost something.
const LEAST_COST = 0.00005;

export function formatDuration(seconds: number | null): string {
  if (seconds === null) return DASH;
  if (seconds < 0.1) return `${Math.round(seconds * 1000)} ms`;
  const tenths = Math.round(seconds * 10) / 10;
  if (tenths < 60) return `${tenths.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} m`;
}

export function formatCost(dollars: number | null): string {
  if (dollars === null) return DASH;
  return 0 < dollars && dollars < LEAST_COST ? "<$0.0001" : `$${dollars.toFixed(4)}`;
}

export function formatCount(count: number | null): string {
  return count === null ? DASH : count.toLocaleString("en-US");
}

export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
