// CodeEditor is CodeMirror with what the console needs. It is loaded when an editor is
// first shown.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { cpp } from "@codemirror/lang-cpp";
import { java } from "@codemirror/lang-java";
import { javascript } from "@codemirror/lang-javascript";
import { json } from "@codemirror/lang-json";
import { python } from "@codemirror/lang-python";
import { yaml } from "@codemirror/lang-yaml";
import {
  bracketMatching,
  ensureSyntaxTree,
  HighlightStyle,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from "@codemirror/language";
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags as t } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import type { Fault } from "../api/failure";
import { nonce } from "../parts/nonce";
import { complete } from "./complete";
import type { Schema } from "./schema";

export interface CodeEditorProps {
  path: string;
  value: string;
  label: string;
  readOnly?: boolean;
  faults?: Fault[]; // with lines, from the server
  schema?: Schema; // of a YAML text, for completion
  height?: string;
  onChange?: (text: string) => void;
  onSyntax?: (problems: number) => void;
}

const leaving = "Tab indents. Escape and then Tab leaves the editor, or Control M first.";

// Milliseconds: how long the parser may keep the page waiting at once, and until it goes on.
const parseTime = 100;
const lookAgain = 200;

export default function CodeEditor(props: CodeEditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const latest = useRef(props);
  latest.current = props;
  const parts = useRef({ completion: new Compartment(), readOnly: new Compartment() });

  useEffect(() => {
    const { completion, readOnly } = parts.current;
    const { value, path, label, schema, readOnly: fixed } = latest.current;
    const editor = new EditorView({
      parent: place.current!,
      state: EditorState.create({
        doc: value,
        extensions: [
          ...basics,
          languageOf(path),
          completion.of(completions(schema)),
          readOnly.of(EditorState.readOnly.of(fixed ?? false)),
          EditorView.contentAttributes.of({ "aria-label": label, "aria-description": leaving }),
          EditorView.cspNonce.of(nonce()),
          EditorView.updateListener.of((u) => {
            if (u.docChanged) latest.current.onChange?.(u.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => {
      editor.destroy();
      view.current = null;
    };
  }, [props.path]);

  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === props.value) return;
    replace(editor, props.value);
  }, [props.value]);

  useEffect(() => {
    view.current?.dispatch({ effects: parts.current.completion.reconfigure(completions(props.schema)) });
  }, [props.schema]);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const look = () => {
      const editor = view.current;
      if (!editor || latest.current.readOnly) return;
      const found = syntaxProblems(editor.state);
      if (!found) {
        timer = setTimeout(look, lookAgain);
        return;
      }
      latest.current.onSyntax?.(found.length);
      editor.dispatch(setDiagnostics(editor.state, [...found, ...diagnostics(editor.state, props.faults ?? [])]));
    };
    timer = setTimeout(look, 150);
    return () => clearTimeout(timer);
  }, [props.value, props.faults, props.path]);

  return <div ref={place} className="code" style={props.height ? { height: props.height } : undefined} />;
}

// replace changes only what differs, so that the cursor stays where it is.
function replace(editor: EditorView, text: string) {
  const old = editor.state.doc.toString();
  let from = 0;
  while (from < old.length && from < text.length && old[from] === text[from]) from++;
  let [a, b] = [old.length, text.length];
  while (a > from && b > from && old[a - 1] === text[b - 1]) (a--, b--);
  editor.dispatch({ changes: { from, to: a, insert: text.slice(from, b) } });
}

const completions = (schema?: Schema): Extension =>
  schema ? autocompletion({ override: [complete(schema)] }) : autocompletion();

function diagnostics(state: EditorState, faults: Fault[]): Diagnostic[] {
  return faults.map((f) => {
    const line = state.doc.line(Math.min(Math.max(f.line ?? 1, 1), state.doc.lines));
    const from = Math.min(line.from + Math.max((f.column ?? 1) - 1, 0), line.to);
    const rest = line.text.slice(from - line.from).search(/\s*(#.*)?$/);
    return {
      from,
      to: from + Math.max(rest, 0),
      severity: "error",
      message: [f.message, f.suggestion].filter(Boolean).join(". "),
    };
  });
}

// syntaxProblems are the places that the language's parser could not read, one for a
// line; undefined while it has not read to the end, where all that is missing yet would look
// like an error. The server tells more of YAML.
function syntaxProblems(state: EditorState): Diagnostic[] | undefined {
  const tree = ensureSyntaxTree(state, state.doc.length, parseTime);
  if (!tree) return undefined;
  const found: Diagnostic[] = [];
  const lines = new Set<number>();
  tree.iterate({
    enter: (node) => {
      if (!node.type.isError) return;
      const line = state.doc.lineAt(Math.min(node.from, state.doc.length));
      if (lines.has(line.number) || found.length >= 50) return;
      lines.add(line.number);
      const from = Math.min(node.from, Math.max(line.from, line.to - 1));
      found.push({
        from,
        to: Math.max(Math.min(node.to, line.to), from),
        severity: "error",
        message: "This is not correct here (syntax).",
      });
    },
  });
  return found;
}

function languageOf(path: string): Extension {
  const ending = path.slice(path.lastIndexOf(".") + 1);
  const by: Record<string, () => Extension> = {
    py: () => [python(), indentUnit.of("    ")],
    js: () => javascript(),
    mjs: () => javascript(),
    cjs: () => javascript(),
    ts: () => javascript({ typescript: true }),
    c: () => cpp(),
    h: () => cpp(),
    cc: () => cpp(),
    cpp: () => cpp(),
    hpp: () => cpp(),
    java: () => java(),
    json: () => json(),
    yaml: () => yaml(),
    yml: () => yaml(),
  };
  return by[ending]?.() ?? [];
}

const look = EditorView.theme({
  "&": { height: "100%", fontSize: "13px", backgroundColor: "var(--mantine-color-body)", color: "var(--mantine-color-text)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mantine-font-family-monospace)", lineHeight: "1.55" },
  ".cm-gutters": {
    backgroundColor: "var(--fescue-surface)",
    color: "var(--mantine-color-dimmed)",
    borderRight: "1px solid var(--fescue-line)",
  },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "light-dark(#00000008, #ffffff0a)" },
  ".cm-cursor": { borderLeftColor: "var(--mantine-color-text)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "light-dark(#bfe0cc, #2f5540) !important" },
  ".cm-tooltip, .cm-panels": {
    backgroundColor: "var(--fescue-surface)",
    color: "var(--mantine-color-text)",
    border: "1px solid var(--fescue-line)",
  },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--mantine-color-grass-8)", color: "#fff" },
  ".cm-diagnostic": { fontFamily: "var(--mantine-font-family)", padding: "6px 10px", maxWidth: "460px" },
});

const colours = HighlightStyle.define([
  { tag: [t.keyword, t.operatorKeyword, t.modifier], color: "light-dark(#8a2a9b, #d7a1e6)" },
  { tag: [t.string, t.special(t.string)], color: "light-dark(#1c6b42, #93d3ac)" },
  { tag: [t.number, t.bool, t.null], color: "light-dark(#9a4a00, #f0b476)" },
  { tag: t.comment, color: "light-dark(#626a70, #98a2a6)", fontStyle: "italic" },
  { tag: [t.definition(t.variableName), t.function(t.variableName), t.className], color: "light-dark(#1757a6, #8dc0f5)" },
  { tag: [t.propertyName, t.definition(t.propertyName)], color: "light-dark(#1757a6, #8dc0f5)" },
  { tag: [t.typeName, t.annotation, t.meta], color: "light-dark(#6b5600, #d9c36a)" },
]);

const basics: Extension[] = [
  lineNumbers(),
  lintGutter(),
  history(),
  drawSelection(),
  indentOnInput(),
  bracketMatching(),
  closeBrackets(),
  highlightActiveLine(),
  highlightActiveLineGutter(),
  highlightSelectionMatches(),
  syntaxHighlighting(colours),
  EditorView.lineWrapping,
  look,
  // Tab indents; Escape and then Tab leaves the editor, for those who have no mouse.
  keymap.of([
    ...closeBracketsKeymap,
    ...defaultKeymap,
    ...searchKeymap,
    ...historyKeymap,
    ...completionKeymap,
    ...lintKeymap,
    indentWithTab,
  ]),
];
