// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** What may be written where the cursor stands: told from the text alone, so that broken text is helped with too. */
export interface Vocabulary {
  members: Readonly<Record<string, string>>;
  kinds: Readonly<Record<string, Readonly<Record<string, string>>>>;
  tools: Readonly<Record<string, string>>;
  models: readonly string[];
}

export interface Suggestion {
  label: string;
  detail?: string;
}

export interface Suggestions {
  from: number;
  options: Suggestion[];
}

interface NodeInText {
  id: string;
  kind: string;
  from: number;
}

const RESULT_KEYS: Readonly<Record<string, readonly string[]>> = {
  llm: ["text", "citations", "usage", "model"],
  tool: ["text", "results"],
  condition: ["outcome"],
};
const REFERENCE = /\{\{\s*(?:[^{}]*[\s(!=<>+,])?((?:[\w-]+\.)?[\w-]*)$/;
const TO_NODES = new Set(["next", "source", "target", "on_error", "else"]);

export function suggestionsAt(text: string, position: number, words: Vocabulary): Suggestions | null {
  const line = text.slice(text.lastIndexOf("\n", position - 1) + 1, position);
  const nodes = nodesIn(text);
  const here = nodeAt(nodes, position);
  return (
    references(line, position, nodes, here) ?? values(line, position, words, nodes, here) ?? keys(line, position, words, here)
  );
}

/** Every node that can be told apart in the text, in order. The flow's own id stands before its nodes. */
export function nodesIn(text: string): NodeInText[] {
  const start = /(?:^|[\n{,])\s*"?nodes"?\s*:/.exec(text);
  if (!start) return [];
  const body = start.index + start[0].length;
  const nodes: NodeInText[] = [];
  for (const match of text.slice(body).matchAll(/(?:^|[\s{,-])"?id"?\s*:\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,}"'][^,}\n]*))/g)) {
    nodes.push({ id: (match[1] ?? match[2] ?? "").trim(), kind: "", from: body + match.index });
  }
  for (const [index, node] of nodes.entries()) {
    const part = text.slice(node.from, nodes[index + 1]?.from ?? text.length);
    node.kind = /"?type"?\s*:\s*"?(\w+)/.exec(part)?.[1] ?? "";
  }
  return nodes;
}

function nodeAt(nodes: readonly NodeInText[], position: number): NodeInText | undefined {
  return nodes.findLast((node) => node.from < position);
}

function references(
  line: string,
  position: number,
  nodes: readonly NodeInText[],
  here: NodeInText | undefined,
): Suggestions | null {
  const typed = REFERENCE.exec(line)?.[1];
  if (typed === undefined) return null;
  const dot = typed.indexOf(".");
  if (dot < 0) {
    const others = nodes.filter((node) => node.id !== here?.id && /^[A-Za-z_][\w-]*$/.test(node.id));
    const options = [{ label: "input" }, ...others.map(({ id, kind }) => ({ label: id, detail: kind }))];
    return { from: position - typed.length, options };
  }
  const kind = nodes.find((node) => node.id === typed.slice(0, dot))?.kind ?? "";
  const options = (RESULT_KEYS[kind] ?? []).map((label) => ({ label }));
  return options.length > 0 ? { from: position - typed.length + dot + 1, options } : null;
}

function values(
  line: string,
  position: number,
  words: Vocabulary,
  nodes: readonly NodeInText[],
  here: NodeInText | undefined,
): Suggestions | null {
  const match = /(?:^|[\s{,-])"?(\w+)"?\s*:\s*(?:\[[^\]]*?)?"?([\w.-]*)$/.exec(line);
  if (!match) return null;
  const [, key = "", typed = ""] = match;
  const options = valuesOf(key, words, nodes, here);
  return options ? { from: position - typed.length, options } : null;
}

function valuesOf(
  key: string,
  words: Vocabulary,
  nodes: readonly NodeInText[],
  here: NodeInText | undefined,
): Suggestion[] | null {
  if (key === "type") return Object.keys(words.kinds).map((label) => ({ label }));
  if (key === "tool") return Object.entries(words.tools).map(([label, detail]) => ({ label, detail }));
  if (key === "model") return words.models.map((label) => ({ label }));
  if (!TO_NODES.has(key)) return null;
  return nodes.filter((node) => node.id !== here?.id && node.kind !== "entry").map(({ id, kind }) => ({ label: id, detail: kind }));
}

function keys(line: string, position: number, words: Vocabulary, here: NodeInText | undefined): Suggestions | null {
  const typed = /^(?:\s*|.*[{,]\s*|\s*-\s+)"?(\w*)$/.exec(line)?.[1];
  if (typed === undefined || !here) return null;
  const settings = words.kinds[here.kind] ?? {};
  const all = { ...settings, ...words.members };
  return { from: position - typed.length, options: Object.entries(all).map(([label, detail]) => ({ label, detail })) };
}
