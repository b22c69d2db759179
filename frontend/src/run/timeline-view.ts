// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import { type Mark, setMark } from "../core/glyphs";
import { DASH, formatCost, formatCount, formatDuration } from "../core/measures";
import type { Words } from "../core/words";
import type { Lanes, Step, Way } from "./reduce";
import { type Axis, axisEnd, axisOf, secondsAcross, secondsSoFar, type Span } from "./spans";

/** The timeline table: reads the server's rows once, then writes only the rows and the cells that differ. */
export class TimelineView {
  #axis: Axis | null = null;
  readonly #rows = new Map<string, HTMLElement>();

  static in(root: ParentNode, words: Words): TimelineView | null {
    const table = root.querySelector<HTMLTableElement>("[data-timeline]");
    return table ? new TimelineView(table, words) : null;
  }

  private constructor(
    private readonly table: HTMLTableElement,
    private readonly words: Words,
  ) {
    for (const row of table.querySelectorAll<HTMLElement>("tr[data-node]")) {
      this.#rows.set(row.dataset["node"] ?? "", row);
    }
  }

  read(): ReadonlyMap<string, Step> {
    return new Map([...this.#rows].map(([id, row]) => [id, stepIn(id, row)]));
  }

  /** Shows the steps that changed; all of them when the axis they lie on is another. */
  show(steps: ReadonlyMap<string, Step>, now: number, changed: ReadonlySet<string>): void {
    const axis = axisOf(steps.values(), now);
    const isMoved = axis.seconds !== this.#axis?.seconds || axis.origin !== this.#axis.origin;
    this.#axis = axis;
    if (isMoved) write(this.table, "axis", `0 ${DASH} ${axisEnd(axis.seconds)}`);
    for (const id of isMoved ? steps.keys() : changed) {
      const step = steps.get(id);
      if (step) this.#showStep(step, axis.spans.get(id), now);
    }
    const all = [...steps.values()];
    write(this.table.closest("section") ?? this.table, "done", String(all.filter((step) => step.mark === "ok").length));
    this.#showTotals(all, now);
  }

  /** Lets the clocks of the steps that are under way go on. */
  tick(steps: ReadonlyMap<string, Step>, now: number): void {
    const running = [...steps.values()].filter((step) => step.startedAt !== null && step.seconds === null);
    this.show(steps, now, new Set(running.map((step) => step.id)));
  }

  #showStep(step: Step, span: Span | undefined, now: number): void {
    const row = this.#rows.get(step.id) ?? this.#newRow(step.id);
    if (!row) return;
    const glyph = row.querySelector(".gl");
    if (glyph && !glyph.classList.contains(step.mark)) setMark(glyph, step.mark);
    write(row, "seconds", step.startedAt === null ? DASH : formatDuration(secondsSoFar(step, now)));
    write(row, "tokens", formatCount(step.tokens));
    write(row, "cost", formatCost(step.cost));
    this.#showNotes(row, step);
    const bar = row.querySelector(".span");
    if (bar && span) showSpan(bar, span, step.mark);
  }

  #showNotes(row: HTMLElement, step: Step): void {
    const tries = step.tries > 1 ? (this.words.get("try") ?? "{number}").replace("{number}", String(step.tries)) : "";
    note(row, "tries", tries);
    note(row, "reason", step.reason && (this.words.get(`why.${step.reason}`) ?? step.reason));
    note(row, "lanes", lanesText(step, this.words));
    note(row, "way", step.way?.text ?? "");
    row.querySelector('[data-cell="recovered"]')?.toggleAttribute("hidden", !step.isRecovered);
    row.querySelector('[data-cell="fallen"]')?.toggleAttribute("hidden", !step.way?.hasFallenBack);
    row.querySelector('[data-cell="cached"]')?.toggleAttribute("hidden", !step.way?.isCached);
  }

  #showTotals(steps: readonly Step[], now: number): void {
    const foot = this.table.tFoot;
    if (!foot) return;
    write(foot, "seconds", formatDuration(secondsAcross(steps, now)));
    write(foot, "tokens", formatCount(total(steps, (step) => step.tokens)));
    write(foot, "cost", formatCost(total(steps, (step) => step.cost)));
  }

  #newRow(id: string): HTMLElement | null {
    const template = this.table.parentElement?.querySelector<HTMLTemplateElement>("template[data-row]");
    const row = template?.content.querySelector<HTMLElement>("tr")?.cloneNode(true) as HTMLElement | undefined;
    const body = this.table.tBodies[0];
    if (!row || !body) return null;
    row.dataset["node"] = id;
    write(row, "name", id);
    body.append(row);
    this.#rows.set(id, row);
    return row;
  }
}

function stepIn(id: string, row: HTMLElement): Step {
  const mark = (row.querySelector(".gl")?.classList.item(1) ?? "queue") as Mark;
  const started = Date.parse(row.dataset["started"] ?? "");
  return {
    id,
    mark,
    startedAt: Number.isNaN(started) ? null : started,
    seconds: figureIn(row.dataset["seconds"]),
    tokens: figureIn(row.dataset["tokens"]),
    cost: figureIn(row.dataset["cost"]),
    tries: figureIn(row.dataset["tries"]) ?? 0,
    reason: row.querySelector('[data-cell="reason"]:not([hidden])')?.textContent ?? "",
    isRecovered: row.querySelector('[data-cell="recovered"]:not([hidden])') !== null,
    way: wayIn(row),
    lanes: lanesIn(row.dataset),
  };
}

function wayIn(row: HTMLElement): Way | null {
  const [text, fallen, cached] = ["way", "fallen", "cached"].map((cell) => row.querySelector(`[data-cell="${cell}"]:not([hidden])`));
  if (!text && !fallen && !cached) return null;
  return { text: text?.textContent ?? "", hasFallenBack: Boolean(fallen), isCached: Boolean(cached) };
}

function lanesIn(data: DOMStringMap): Lanes | null {
  if (!data["exit"]) return null;
  return {
    kind: data["kind"] ?? "",
    exit: data["exit"],
    count: figureIn(data["count"]),
    begun: figureIn(data["begun"]) ?? 0,
    ended: figureIn(data["ended"]) ?? 0,
  };
}

/** How far a node has come that does a body in lanes: of a loop its round, else how many are done. */
function lanesText({ lanes }: Step, words: Words): string {
  if (!lanes || lanes.begun === 0 || lanes.kind === "subflow") return "";
  if (lanes.count === null) return (words.get("lanes.round") ?? "{number}").replace("{number}", String(lanes.begun));
  const said = (words.get("lanes.count") ?? "{ended}/{count}").replace("{ended}", String(lanes.ended));
  return said.replace("{count}", String(lanes.count));
}

function figureIn(text: string | undefined): number | null {
  return text === undefined || text === "" ? null : Number(text);
}

function write(root: ParentNode, name: string, text: string): void {
  const cell = root.querySelector(`[data-cell="${name}"]`);
  if (!cell || cell.textContent === text) return;
  cell.textContent = text;
  cell.classList.toggle("none", text === DASH);
}

/** A note that is there only where there is something to say. */
function note(row: ParentNode, name: string, text: string): void {
  const cell = row.querySelector(`[data-cell="${name}"]`);
  if (!cell || cell.textContent === text) return;
  cell.textContent = text;
  cell.toggleAttribute("hidden", text === "");
}

function showSpan(bar: Element, span: Span, mark: Mark): void {
  const rect = bar.querySelector("rect");
  rect?.setAttribute("x", `${span.x.toFixed(2)}%`);
  rect?.setAttribute("width", `${span.width.toFixed(2)}%`);
  setMark(bar, mark);
}

function total(steps: readonly Step[], figure: (step: Step) => number | null): number | null {
  const figures = steps.map(figure).filter((value) => value !== null);
  return figures.length === 0 ? null : figures.reduce((sum, value) => sum + value, 0);
}
