// Completion of fescue.yaml from its schema: keys that may stand at the cursor, and
// values where there is a choice or an example.
import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { at, kindOf, type Schema } from "./schema";

export function complete(schema: Schema) {
  return (context: CompletionContext): CompletionResult | null => {
    const line = context.state.doc.lineAt(context.pos);
    const before = line.text.slice(0, context.pos - line.from);
    const value = /^(\s*(?:- )*)([A-Za-z]\w*):\s+(\S*)$/.exec(before);
    const above = context.state.doc.sliceString(0, line.from).split("\n").slice(0, -1);
    if (value) {
      const s = at(schema, [...pathOf(above, value[1]!.length), value[2]!]);
      const values = s?.enum ?? s?.examples ?? (s && kindOf(s) === "switch" ? ["true", "false"] : []);
      return values.length
        ? { from: context.pos - value[3]!.length, options: values.map((label) => ({ label, type: "constant" })) }
        : null;
    }
    const key = /^(\s*(?:- )*)([A-Za-z]*)$/.exec(before);
    if (!key || (!key[2] && !context.explicit)) return null;
    const s = at(schema, pathOf(above, key[1]!.length));
    return s?.properties ? { from: context.pos - key[2]!.length, options: keys(s), validFor: /^\w*$/ } : null;
  };
}

function keys(s: Schema): Completion[] {
  return Object.entries(s.properties ?? {}).map(([label, p]) => ({
    label,
    type: "property",
    info: p.description,
    apply: label + (["text", "choice", "switch", "number"].includes(kindOf(p)) ? ": " : ":"),
    boost: s.required?.includes(label) ? 1 : 0,
  }));
}

// pathOf is the keys above a line that stands in by so much, by their indentation.
export function pathOf(above: string[], indent: number): string[] {
  const path: string[] = [];
  for (let i = above.length - 1; i >= 0 && indent > 0; i--) {
    const m = /^(\s*(?:- )*)([A-Za-z][\w-]*):/.exec(above[i]!);
    if (!m || m[1]!.length >= indent) continue;
    indent = m[1]!.length;
    path.unshift(m[2]!);
  }
  return path;
}
