// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import { describe, expect, it } from "vitest";
import { nodesIn, suggestionsAt, type Vocabulary } from "../../src/flow/completions";

const WORDS: Vocabulary = {
  members: { id: "Its name", type: "Its kind", next: "What follows" },
  kinds: { entry: {}, llm: { model: "Which", prompt: "What it is asked" }, tool: { tool: "Which" }, exit: {} },
  tools: { WebSearch: "Searches" },
  models: ["default", "gpt-4"],
};
const YAML = `id: tides
nodes:
  - id: start
    type: entry
    next: ask
  - id: ask
    type: llm
    model: gpt-4
    prompt: "When?"
    next: end
  - id: end
    type: exit
`;
const JSON_TEXT = `{"id": "tides", "nodes": [
  {"id": "start", "type": "entry", "next": "ask"},
  {"id": "ask", "type": "llm", "next": "end"},
  {"id": "end", "type": "exit"}]}`;

/** What is offered at the bar in a text, by label. */
function offered(marked: string): string[] {
  const at = marked.indexOf("|");
  const found = suggestionsAt(marked.slice(0, at) + marked.slice(at + 1), at, WORDS);
  return found ? found.options.map((option) => option.label) : [];
}

describe("nodesIn", () => {
  it("finds nodes in both formats, and leaves the flow's own id out", () => {
    const expected = [["start", "entry"], ["ask", "llm"], ["end", "exit"]];
    expect(nodesIn(YAML).map(({ id, kind }) => [id, kind])).toEqual(expected);
    expect(nodesIn(JSON_TEXT).map(({ id, kind }) => [id, kind])).toEqual(expected);
  });

  it("finds none where there are none", () => {
    expect(nodesIn("")).toEqual([]);
    expect(nodesIn("id: x\n")).toEqual([]);
  });
});

describe("suggestionsAt", () => {
  it("offers kinds, models and tools where they are said", () => {
    expect(offered(YAML.replace("type: llm", "type: |"))).toEqual(["entry", "llm", "tool", "exit"]);
    expect(offered(YAML.replace("model: gpt-4", "model: g|"))).toEqual(["default", "gpt-4"]);
    expect(offered(JSON_TEXT.replace('"type": "llm"', '"type": "tool", "tool": "W|"'))).toEqual(["WebSearch"]);
  });

  it("offers other nodes but the entry where a way leads on", () => {
    expect(offered(YAML.replace("next: end", "next: |"))).toEqual(["end"]);
    expect(offered(JSON_TEXT.replace('"next": "ask"', '"next": ["ask", "e|"'))).toEqual(["ask", "end"]);
  });

  it("offers the input and other nodes inside of braces, and what a result holds behind a dot", () => {
    expect(offered(YAML.replace("When?", "{{ |"))).toEqual(["input", "start", "end"]);
    expect(offered(YAML.replace("When?", "{{ input == st|"))).toEqual(["input", "start", "end"]);
    const after = YAML.replace("When?", "x").replace("type: exit", 'type: exit\n    output: "{{ ask.t|');
    expect(offered(after)).toEqual(["text", "citations", "usage", "model"]);
    expect(offered(YAML.replace("When?", "{{ done }} |"))).toEqual([]);
  });

  it("offers the settings of the node's kind before what every node has", () => {
    expect(offered(YAML.replace("model: gpt-4", "mo|"))).toEqual(["model", "prompt", "id", "type", "next"]);
    expect(offered(JSON_TEXT.replace('"type": "llm", ', '"type": "llm", "p|'))).toContain("prompt");
  });

  it("offers nothing in the middle of a sentence", () => {
    expect(offered(YAML.replace("When?", "When |?"))).toEqual([]);
    expect(offered("|")).toEqual([]);
  });
});
