// Changes of fescue.yaml by the form. The text stays its author's: comments, order and
// spacing survive, and a value that is there is replaced where it stands.
import { type Document, isCollection, isMap, isScalar, isSeq, parseDocument, Scalar, stringify, YAMLMap } from "yaml";

export type Path = (string | number)[];
export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

const options = { keepSourceTokens: true } as const;
const written = { lineWidth: 0, flowCollectionPadding: false } as const;

// read gives the text's values, as far as they can be read; undefined if it is no YAML mapping.
export function read(text: string): { [key: string]: Value } | undefined {
  const document = parseDocument(text, options);
  if (document.errors.length > 0) return undefined;
  if (document.contents === null) return {};
  return isMap(document.contents) ? document.toJS() : undefined;
}

// change sets the value at a path; undefined takes it away, with what becomes empty above it.
export function change(text: string, path: Path, value: Value | undefined): string {
  const document = parseDocument(text, options);
  if (document.errors.length > 0) return text;
  if (value === undefined) return remove(document, path);
  const there = document.getIn(path, true);
  if (isScalar(there) && there.range && typeof value !== "object" && !there.anchor) {
    return text.slice(0, there.range[0]) + scalar(value, there, text) + text.slice(there.range[1]);
  }
  if (document.contents === null) document.contents = new YAMLMap() as never;
  set(document, path, value);
  return document.toString(written);
}

function scalar(value: Value, there: Scalar, text: string): string {
  const old = text.slice(there.range![0], there.range![0] + 1);
  const node = new Scalar(value);
  if (typeof value === "string" && (old === '"' || old === "'")) node.type = old === '"' ? "QUOTE_DOUBLE" : "QUOTE_SINGLE";
  const result = stringify(node, written).trimEnd();
  return result.includes("\n") ? JSON.stringify(value) : result;
}

function set(document: Document, path: Path, value: Value) {
  const node = document.createNode(value);
  // Short lists of words are written on one line, as people do: [a/b, c/d].
  if (isSeq(node) && node.items.every((i) => isScalar(i))) node.flow = true;
  document.setIn(path, node);
}

function remove(document: Document, path: Path): string {
  document.deleteIn(path);
  for (let up = path.slice(0, -1); up.length > 0; up = up.slice(0, -1)) {
    const parent = document.getIn(up, true);
    if (!isCollection(parent) || parent.items.length > 0) break;
    document.deleteIn(up);
  }
  return document.toString(written);
}

// nextVersion raises the last number of a version, for a version cannot change once it is stored.
export function nextVersion(version: string): string {
  const parts = /^(\d+)\.(\d+)\.(\d+)/.exec(version);
  return parts ? `${parts[1]}.${parts[2]}.${Number(parts[3]) + 1}` : version;
}
