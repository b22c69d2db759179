// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** CodeMirror, set up for flows: its colors are the product's tokens, its sheet carries the page's nonce. */
import { autocompletion, type CompletionContext, type CompletionResult, completionKeymap, closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { suggestionsAt, type Vocabulary } from "./completions";
import { type Problem, spanOf } from "./problems";

export interface EditorOptions {
  parent: HTMLElement;
  text: string;
  format: string;
  nonce: string;
  label: string;
  isReadOnly: boolean;
  words: Vocabulary;
  onChange: () => void;
  onSave: () => void;
}

export interface Editor {
  text(): string;
  replace(text: string): void;
  setFormat(format: string): void;
  mark(problems: readonly Problem[]): void;
  goTo(problem: Problem): void;
  focus(): void;
}

const COLORS = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--run)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--ok)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--warn)" },
  { tag: [tags.comment, tags.lineComment, tags.meta], color: "var(--muted)" },
  { tag: tags.invalid, color: "var(--danger)" },
]);

const LOOK = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "var(--sm)" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.25rem" },
  ".cm-content": { caretColor: "var(--text)", paddingBlock: "8px" },
  ".cm-cursor": { borderInlineStartColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--sunken)", color: "var(--muted)", borderInlineEnd: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--hover)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--accent-soft)",
  },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--accent-soft)", outline: "1px solid var(--accent)" },
  ".cm-searchMatch": { backgroundColor: "var(--warn-soft)" },
  ".cm-selectionMatch": { backgroundColor: "var(--hover)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--sunken)", borderColor: "var(--line)", color: "var(--muted)" },
  ".cm-tooltip, .cm-panels": { backgroundColor: "var(--surface)", color: "var(--text)", borderColor: "var(--line)" },
  ".cm-panels.cm-panels-bottom": { borderBlockStart: "1px solid var(--line)" },
  ".cm-tooltip": { border: "1px solid var(--line)", borderRadius: "var(--r2)", boxShadow: "var(--float)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxHeight: "15rem" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent-soft)", color: "var(--accent)" },
  ".cm-completionDetail": { color: "var(--muted)", fontStyle: "normal", fontFamily: "var(--ui)" },
  ".cm-diagnostic": { fontFamily: "var(--ui)", padding: "8px 12px", maxInlineSize: "30rem" },
  ".cm-diagnostic-error": { borderInlineStartColor: "var(--danger)" },
  ".cm-diagnostic-warning": { borderInlineStartColor: "var(--warn)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--danger)", textUnderlineOffset: "3px" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--warn)", textUnderlineOffset: "3px" },
  ".cm-textfield, .cm-button": { backgroundColor: "var(--surface)", backgroundImage: "none", color: "var(--text)", borderColor: "var(--ctl)" },
});

export function openEditor(options: EditorOptions): Editor {
  const language = new Compartment();
  const view = new EditorView({
    parent: options.parent,
    state: EditorState.create({ doc: options.text, extensions: [language.of(languageOf(options.format)), extensionsOf(options)] }),
  });
  return {
    text: () => view.state.doc.toString(),
    replace: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    setFormat: (format) => view.dispatch({ effects: language.reconfigure(languageOf(format)) }),
    mark: (problems) => view.dispatch(setDiagnostics(view.state, diagnosticsOf(view.state.doc.toString(), problems))),
    goTo: (problem) => goTo(view, problem),
    focus: () => view.focus(),
  };
}

function extensionsOf({ nonce, label, isReadOnly, words, onChange, onSave }: EditorOptions): Extension {
  const save = { key: "Mod-s", preventDefault: true, run: () => (onSave(), true) };
  // Tab indents, as in every editor; Escape and then Tab leave the field, as the page says beside it.
  const tab = { key: "Tab", run: indentMore, shift: indentLess };
  return [
    EditorView.cspNonce.of(nonce),
    LOOK,
    lineNumbers(), foldGutter(), lintGutter(), history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets(),
    highlightActiveLine(), highlightActiveLineGutter(), highlightSelectionMatches(), search(),
    syntaxHighlighting(COLORS),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", tabindex: "0" }),
    EditorState.readOnly.of(isReadOnly),
    EditorState.tabSize.of(2),
    autocompletion({ override: [(context) => complete(context, words)], activateOnTypingDelay: 50 }),
    keymap.of([save, ...closeBracketsKeymap, ...completionKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...defaultKeymap, ...(isReadOnly ? [] : [tab])]),
    EditorView.domEventHandlers({ beforeinput: typeOver }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) onChange();
    }),
  ];
}

/**
 * Text typed over a selection goes in by our hand: Chromium would carry the color of what it takes out along as a
 * style attribute, which the page's policy refuses and reports.
 */
function typeOver(event: InputEvent, view: EditorView): boolean {
  const { main } = view.state.selection;
  const text = event.data;
  if (event.inputType !== "insertText" || !text || main.empty || view.state.readOnly) return false;
  const insert = () => view.state.update(view.state.replaceSelection(text), { userEvent: "input.type", scrollIntoView: true });
  const handlers = view.state.facet(EditorView.inputHandler);
  if (!handlers.some((handle) => handle(view, main.from, main.to, text, insert))) view.dispatch(insert());
  return true;
}

function languageOf(format: string): Extension {
  return format === "yaml" ? yaml() : json();
}

function complete(context: CompletionContext, words: Vocabulary): CompletionResult | null {
  const found = suggestionsAt(context.state.doc.toString(), context.pos, words);
  if (!found || (!context.explicit && found.from === context.pos && !/[{."]\s?$/.test(context.state.sliceDoc(context.pos - 2, context.pos)))) return null;
  return { from: found.from, options: found.options.map((option) => ({ ...option, type: "property" })), validFor: /^[\w-]*$/ };
}

function diagnosticsOf(text: string, problems: readonly Problem[]): Diagnostic[] {
  return problems
    .map((problem) => ({ ...spanOf(text, problem), severity: problem.severity, message: problem.message }))
    .sort((one, other) => one.from - other.from);
}

function goTo(view: EditorView, problem: Problem): void {
  const { from, to } = spanOf(view.state.doc.toString(), problem);
  view.dispatch({ selection: { anchor: from, head: to }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
  view.focus();
}
