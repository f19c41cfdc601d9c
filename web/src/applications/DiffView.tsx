// DiffView shows two texts as one, with what went and what came.
import { unifiedMergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { useLayoutEffect, useRef } from "react";
import { nonce } from "../parts/nonce";

const look = EditorView.theme({
  "&": { fontSize: "12.5px", maxHeight: "460px", color: "var(--mantine-color-text)" },
  ".cm-scroller": { fontFamily: "var(--mantine-font-family-monospace)", overflow: "auto" },
  ".cm-gutters": { backgroundColor: "var(--fescue-surface)", color: "var(--mantine-color-dimmed)", border: "none" },
  ".cm-collapsedLines": { background: "var(--fescue-surface)", color: "var(--mantine-color-dimmed)" },
  ".cm-collapsedLines:before, .cm-collapsedLines:after": { content: "none" },
  ".cm-changedLine, .cm-inlineChangedLine": { backgroundColor: "light-dark(#e3f3e8, #1d3527) !important" },
  ".cm-deletedChunk": { backgroundColor: "light-dark(#fbe6e6, #3d2222) !important" },
  ".cm-changedText, .cm-deletedText, .cm-deletedLine del": { background: "none !important", textDecoration: "none" },
});

export default function DiffView({ path, from, to }: { path: string; from: string; to: string }) {
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const view = new EditorView({
      parent: place.current!,
      state: EditorState.create({
        doc: to,
        extensions: [
          lineNumbers(),
          EditorState.readOnly.of(true),
          EditorView.editable.of(false),
          EditorView.cspNonce.of(nonce()),
          EditorView.contentAttributes.of({ "aria-label": `What changed in ${path}`, tabindex: "0" }),
          EditorView.lineWrapping,
          unifiedMergeView({ original: from, mergeControls: false, gutter: true, collapseUnchanged: { margin: 3, minSize: 6 } }),
          look,
        ],
      }),
    });
    return () => view.destroy();
  }, [path, from, to]);
  return <div ref={place} className="code" />;
}
