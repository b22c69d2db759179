// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RunLive } from "../../src/run/run-live";

const REST = 100;

class FakeEventSource extends EventTarget {
  static opened: FakeEventSource[] = [];
  isClosed = false;

  constructor(readonly url: URL) {
    super();
    FakeEventSource.opened.push(this);
  }

  close(): void {
    this.isClosed = true;
  }

  /** Frames that come together, and the moment in which they are shown. */
  say(...frames: object[]): void {
    this.send(...frames);
    vi.advanceTimersByTime(REST);
  }

  send(...frames: object[]): void {
    for (const frame of frames) {
      const type = (frame as { type: string }).type;
      this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(frame) }));
    }
  }
}

const PAGE = `
  <span class="pill run" data-run-status><svg><use href="/s.svg#g-run"/></svg><span data-word-of>Running</span></span>
  <run-live src="/api/v1/runs/7/events" after="2" status="running">
    <template data-words><i data-word="succeeded">Succeeded</i><i data-word="step.done">done</i><i data-word="ended">Ended</i></template>
    <span class="pill" data-connection><svg><use href="/s.svg#g-queue"/></svg><span data-word-of></span></span>
    <div><table data-timeline><thead><tr><th data-cell="axis"></th></tr></thead><tbody>
      <tr data-node="plan" data-started="2025-11-20T10:42:00Z"><td><span class="gl run"><svg><use href="/s.svg#g-run"/></svg></span></td>
      <td><svg class="span run"><rect/></svg></td><td data-cell="seconds"></td><td data-cell="tokens"></td><td data-cell="cost"></td></tr>
    </tbody><tfoot><tr><td data-cell="seconds"></td><td data-cell="tokens"></td><td data-cell="cost"></td></tr></tfoot></table>
    <template data-row><tr><td><span class="gl queue"></span></td><td data-cell="name"></td></tr></template></div>
    <ol data-console data-zone="UTC"><li id="L1"></li><li id="L2"></li></ol>
    <template data-line><li><a class="at"></a><span class="gl queue"><svg><use href="/s.svg#g-queue"/></svg></span><span class="nd"></span><span class="msg"></span></li></template>
  </run-live>`;

const done = (seq: number, node: string, data = {}): object => ({
  seq,
  type: "step.done",
  at: "2025-11-20T10:42:07.250Z",
  node_id: node,
  data,
});

customElements.define("run-live", RunLive);
const lines = (): string[] => [...document.querySelectorAll("[data-console] li")].map((line) => line.id);
const source = (): FakeEventSource => FakeEventSource.opened.at(-1)!;

beforeEach(() => {
  vi.useFakeTimers();
  FakeEventSource.opened = [];
  vi.stubGlobal("EventSource", FakeEventSource);
  document.body.innerHTML = PAGE;
});

afterEach(() => {
  document.body.innerHTML = "";
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("<run-live>", () => {
  it("asks for what comes after the server's first paint", () => {
    expect(source().url.search).toBe("?after=2");
  });

  it("appends a line and settles the step's row and the totals", () => {
    source().say(done(3, "plan", { message: "plan ready", tokens: 64, cost_usd: "0.0002" }));

    expect(lines()).toEqual(["L1", "L2", "L3"]);
    expect(document.querySelector("#L3")?.textContent).toBe("10:42:07.250planplan ready");
    expect(document.querySelector("tr[data-node] .gl")?.className).toBe("gl ok");
    expect(document.querySelector("tfoot")?.textContent?.replace(/\s+/g, " ")).toContain("7.3 s64$0.0002");
  });

  it("never shows an entry twice", () => {
    source().say(done(2, "plan"));
    source().say(done(3, "plan"));
    source().say(done(3, "plan"));

    expect(lines()).toEqual(["L1", "L2", "L3"]);
  });

  it("asks again from the last entry when one is missing", () => {
    source().say(done(3, "plan"));
    const first = source();
    first.say(done(5, "check"));

    expect(first.isClosed).toBe(true);
    expect(source().url.search).toBe("?after=3");
    expect(lines()).toEqual(["L1", "L2", "L3"]);
  });

  it("reconnects after a lost line, from where it was", () => {
    source().say(done(3, "plan"));
    source().dispatchEvent(new Event("error"));
    vi.advanceTimersByTime(1000);

    expect(FakeEventSource.opened).toHaveLength(2);
    expect(source().url.search).toBe("?after=3");
  });

  it("closes at the end, tells the page, and does not come back", () => {
    const ended = vi.fn();
    document.addEventListener("run:finished", ended, { once: true });
    source().say({ seq: 3, type: "run.finished", at: "2025-11-20T10:42:08Z", data: { status: "succeeded" } });
    vi.advanceTimersByTime(60_000);

    expect(ended).toHaveBeenCalledOnce();
    expect(source().isClosed).toBe(true);
    expect(FakeEventSource.opened).toHaveLength(1);
    expect(document.querySelector("[data-run-status]")?.className).toContain("ok");
    expect(document.querySelector("[data-run-status] [data-word-of]")?.textContent).toBe("Succeeded");
  });

  it("writes a message as text, never as markup", () => {
    source().say(done(3, "plan", { message: "<img src=x onerror=alert(1)>" }));

    expect(document.querySelector("#L3 .msg img")).toBeNull();
    expect(document.querySelector("#L3 .msg")?.textContent).toBe("<img src=x onerror=alert(1)>");
  });

  it("keeps a draft below the lines and takes it away with its entry", () => {
    source().say({ type: "delta", node_id: "plan", data: { text: "Upgr" } });
    source().say({ type: "delta", node_id: "plan", data: { text: "ade" } });
    expect(document.querySelector("[data-console] li:last-child .msg")?.textContent).toBe("Upgrade");

    source().say(done(3, "plan"));
    expect(lines()).toEqual(["L1", "L2", "L3"]);
  });

  it("gives a step the server did not know a row of its own", () => {
    source().say(done(3, "surprise"));

    expect(document.querySelector('tr[data-node="surprise"] [data-cell="name"]')?.textContent).toBe("surprise");
  });

  it("shows a burst in one go, and writes only the rows of its steps", () => {
    source().say(done(3, "other", { duration_seconds: 1 }), done(4, "plan"));
    const untouched = vi.fn();
    const plan = document.querySelector('tr[data-node="plan"]')!;
    const watch = new MutationObserver(untouched);
    watch.observe(plan, { subtree: true, childList: true, attributes: true, characterData: true });
    const insert = vi.spyOn(document.querySelector("[data-console]")!, "insertBefore");

    source().say(...Array.from({ length: 1000 }, (_, i) => done(5 + i, "other", { duration_seconds: 1 })));

    expect(lines()).toHaveLength(1004);
    expect(insert).toHaveBeenCalledOnce();
    expect(watch.takeRecords()).toEqual([]);
    expect(untouched).not.toHaveBeenCalled();
  });

  it("ends only after the last entries stand", () => {
    const ended = vi.fn(() => lines());
    document.addEventListener("run:finished", ended, { once: true });
    source().send(done(3, "plan"), { seq: 4, type: "run.finished", data: { status: "succeeded" } });
    expect(ended).not.toHaveBeenCalled();

    vi.advanceTimersByTime(REST);

    expect(ended).toHaveReturnedWith(["L1", "L2", "L3", "L4"]);
  });

  it("draws the page at most ten times a second", () => {
    const insert = vi.spyOn(document.querySelector("[data-console]")!, "insertBefore");
    for (let i = 0; i < 500; i++) {
      source().send(done(3 + i, "plan"));
      vi.advanceTimersByTime(2);
    }

    expect(insert.mock.calls.length).toBeLessThanOrEqual(11);
    expect(lines().length).toBeGreaterThan(400);
  });

  it("resumes after what came right before the line was lost", () => {
    source().send(done(3, "plan"));
    source().dispatchEvent(new Event("error"));
    expect(lines()).toEqual(["L1", "L2", "L3"]);
    vi.advanceTimersByTime(1000);

    expect(source().url.search).toBe("?after=3");
  });
});
