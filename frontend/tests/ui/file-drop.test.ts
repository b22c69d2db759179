// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import { beforeEach, describe, expect, it, vi } from "vitest";
import { FileDrop } from "../../src/ui/file-drop";
import { addressFor, advance, percentOf } from "../../src/ui/uploads";

const WORDS = { lost: "The line was lost.", refused: "Refused." };

class FakeRequest extends EventTarget {
  static sent: FakeRequest[] = [];
  upload = new EventTarget();
  headers: Record<string, string> = {};
  status = 0;
  responseText = "";
  method = "";
  url = "";

  open(method: string, url: string): void {
    Object.assign(this, { method, url });
  }

  setRequestHeader(name: string, value: string): void {
    this.headers[name] = value;
  }

  send(): void {
    FakeRequest.sent.push(this);
  }

  answer(status: number, body = ""): void {
    Object.assign(this, { status, responseText: body });
    this.dispatchEvent(new Event("load"));
    this.dispatchEvent(new Event("loadend"));
  }
}

customElements.define("file-drop", FileDrop);

function page(attributes = ""): FileDrop {
  document.head.innerHTML = '<meta name="csrf-token" content="t0ken">';
  document.body.innerHTML = `<file-drop url="/api/v1/projects/1/files/{name}" ${attributes}>
    <label class="drop"><input type="file" multiple></label><ul class="drops"></ul>
    <template data-words><i data-word="lost">Lost</i><i data-word="too-large">Too large</i></template>
    <template data-item><li><span class="gl queue"></span><span data-name></span><span data-figure></span>
      <svg class="meter"><rect/></svg><p class="err" data-error hidden></p></li></template></file-drop>`;
  return document.querySelector("file-drop") as FileDrop;
}

const file = (name: string, size = 4): File => new File(["x".repeat(size)], name, { type: "text/plain" });
const marks = (): string[] => [...document.querySelectorAll(".gl")].map((glyph) => glyph.className);

beforeEach(() => {
  FakeRequest.sent = [];
  vi.stubGlobal("XMLHttpRequest", FakeRequest);
});

describe("<file-drop>", () => {
  it("puts each file to its own address with the CSRF token", () => {
    page().add([file("read me.md")]);

    const request = FakeRequest.sent[0]!;
    expect([request.method, request.url]).toEqual(["PUT", "/api/v1/projects/1/files/read%20me.md"]);
    expect(request.headers["X-CSRFToken"]).toBe("t0ken");
  });

  it("sends three at once and the rest as they end", () => {
    page().add(["a", "b", "c", "d"].map((name) => file(name)));
    expect(FakeRequest.sent).toHaveLength(3);

    FakeRequest.sent[0]!.answer(201);
    expect(FakeRequest.sent).toHaveLength(4);
  });

  it("shows how far each file is", () => {
    page().add([file("a", 200)]);
    FakeRequest.sent[0]!.upload.dispatchEvent(new ProgressEvent("progress", { loaded: 50, total: 200 }));

    expect(document.querySelector("[data-figure]")?.textContent).toBe("25 %");
    expect(document.querySelector("rect")?.getAttribute("width")).toBe("25%");
  });

  it("says why a file was refused and stores the others", () => {
    const done = vi.fn();
    const drop = page();
    drop.addEventListener("file-drop:done", (event) => done((event as CustomEvent).detail));
    drop.add([file("a"), file("b")]);
    FakeRequest.sent[0]!.answer(409, '{"detail": "The project is full."}');
    FakeRequest.sent[1]!.answer(201);

    expect(marks()).toEqual(["gl fail", "gl ok"]);
    expect(document.querySelector("[data-error]")?.textContent).toBe("The project is full.");
    expect(done).toHaveBeenCalledExactlyOnceWith(false);
  });

  it("does not send a file above the limit", () => {
    page('max-bytes="10"').add([file("big", 11)]);

    expect(FakeRequest.sent).toHaveLength(0);
    expect(document.querySelector("[data-error]")?.textContent).toBe("Too large");
  });
});

describe("an upload", () => {
  it("never goes backwards, and an ended one stays ended", () => {
    const sending = advance({ phase: "sending", sent: 80, size: 100 }, { kind: "progress", sent: 40 }, WORDS);
    const stored = advance(sending, { kind: "answered", status: 204, body: "" }, WORDS);

    expect(percentOf(sending)).toBe(80);
    expect(advance(stored, { kind: "lost" }, WORDS)).toBe(stored);
  });

  it("has words of its own when the answer is no problem document", () => {
    const refused = advance({ phase: "queued", sent: 0, size: 1 }, { kind: "answered", status: 502, body: "<html>" }, WORDS);

    expect(refused).toMatchObject({ phase: "refused", because: "Refused." });
  });

  it("keeps folders and escapes what is not a name", () => {
    expect(addressFor("/files/", "docs/a b?.md")).toBe("/files/docs/a%20b%3F.md");
    expect(addressFor("/files/{name}?v=1", "x#y")).toBe("/files/x%23y?v=1");
  });
});
