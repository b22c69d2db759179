// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
// Costs over days as lines. The numbers stand in the page; the table under it says the same without this script.
import uPlot from "uplot";

import { formatCost } from "../core/measures";

interface Drawn {
  day: string;
  days: string[];
  lines: { name: string; values: number[] }[];
}

// Four lines at most, told apart by color and by dashes.
const COLORS = ["--accent", "--run", "--warn", "--muted"];
const DASHES = [[], [8, 4], [2, 4], [8, 4, 2, 4]];
const HEIGHT = 240;

function seconds(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) / 1000;
}

// How large the numbers of the axis are decides how many digits it needs.
function marks(_plot: uPlot, splits: number[]): string[] {
  const top = Math.max(...splits);
  const digits = top >= 10 ? 0 : top >= 0.1 ? 2 : 4;
  return splits.map((value) => `$${value.toFixed(digits)}`);
}

export class CostChart extends HTMLElement {
  private plot: uPlot | undefined;
  private readonly dark = matchMedia("(prefers-color-scheme: dark)");
  private readonly watcher = new ResizeObserver(() => this.fit());
  private readonly themes = new MutationObserver(() => this.draw());
  private readonly redraw = (): void => this.draw();

  connectedCallback(): void {
    this.draw();
    this.watcher.observe(this);
    this.themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    this.dark.addEventListener("change", this.redraw);
  }

  disconnectedCallback(): void {
    this.watcher.disconnect();
    this.themes.disconnect();
    this.dark.removeEventListener("change", this.redraw);
    this.plot?.destroy();
  }

  private draw(): void {
    const place = this.querySelector<HTMLElement>("[data-plot]");
    const text = this.querySelector("script[type='application/json']")?.textContent;
    if (!place || !text) return;
    this.plot?.destroy();
    const drawn = JSON.parse(text) as Drawn;
    const data: uPlot.AlignedData = [drawn.days.map(seconds), ...drawn.lines.map((line) => line.values)];
    this.plot = new uPlot(this.options(drawn), data, place);
  }

  private fit(): void {
    if (this.clientWidth) this.plot?.setSize({ width: this.clientWidth, height: HEIGHT });
  }

  private options(drawn: Drawn): uPlot.Options {
    const style = getComputedStyle(this);
    const color = (name: string): string => {
      // A token may be light-dark(); what it comes to here is told by an element that has it.
      const probe = document.createElement("i");
      probe.style.color = `var(${name})`;
      this.append(probe);
      const found = getComputedStyle(probe).color;
      probe.remove();
      return found;
    };
    const axis = { stroke: color("--muted"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, font: `12px ${style.fontFamily}` };
    return {
      width: this.clientWidth || 640,
      height: HEIGHT,
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
      legend: { live: true },
      cursor: { drag: { x: false, y: false } },
      scales: { y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] } },
      axes: [
        { ...axis, values: (_plot, splits) => splits.map((at) => new Date(at * 1000).toISOString().slice(5, 10)) },
        { ...axis, size: 64, values: marks },
      ],
      series: [
        { label: drawn.day, value: (_plot, at) => (at === null ? "–" : new Date(at * 1000).toISOString().slice(0, 10)) },
        ...drawn.lines.map((line, n) => ({
          label: line.name,
          stroke: color(COLORS[n] ?? "--muted"),
          width: 2,
          dash: DASHES[n] ?? [],
          points: { show: drawn.days.length <= 14 },
          value: (_plot: uPlot, value: number | null) => formatCost(value),
        })),
      ],
    };
  }
}
