// What of a graph is drawn: what one looks for with its neighbours, and of very many alike
// one that stands for them.
import type { Edge, Graph, Node } from "./graph";

// around keeps what has the text in its name, what it talks to, and who is at the other end.
export function around(graph: Graph, text: string): Graph {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return graph;
  const found = new Set(graph.nodes.filter((n) => n.name.toLowerCase().includes(wanted)).map((n) => n.id));
  const near = neighbours(graph, found);
  const topics = new Set(graph.nodes.filter((n) => n.kind === "topic" && near.has(n.id)).map((n) => n.id));
  return only(graph, new Set([...near, ...neighbours(graph, topics)]));
}

function neighbours(graph: Graph, of: Set<string>): Set<string> {
  const all = new Set(of);
  for (const e of graph.edges) {
    if (of.has(e.from)) all.add(e.to);
    if (of.has(e.to)) all.add(e.from);
  }
  return all;
}

const only = (graph: Graph, ids: Set<string>): Graph => ({
  nodes: graph.nodes.filter((n) => ids.has(n.id)),
  edges: graph.edges.filter((e) => ids.has(e.from) && ids.has(e.to)),
});

export type Show = "all" | "flowing" | "findings";

// narrowed keeps what flows, or what somebody should look at.
export function narrowed(graph: Graph, show: Show): Graph {
  if (show === "all") return graph;
  const wanted = (e: Edge) => (show === "flowing" ? e.rate > 0 || e.shared : !e.used);
  const edges = graph.edges.filter(wanted);
  const ids = new Set(edges.flatMap((e) => [e.from, e.to]));
  if (show === "findings") for (const n of graph.nodes) if (n.note) ids.add(n.id);
  return show === "findings" ? only(graph, ids) : { nodes: graph.nodes.filter((n) => ids.has(n.id)), edges };
}

const alike = 4; // so many and more are drawn as one

// clustered draws topics below one name as one, and then applications that talk to the same.
// A graph of up to so many nodes stays as it is.
export function clustered(graph: Graph, most = 40): Graph {
  if (graph.nodes.length <= most) return graph;
  const byParent = merged(
    graph,
    (n) => (n.kind === "topic" ? n.name.split("/").slice(0, -1).join("/") || undefined : undefined),
    topicGroup,
  );
  const talks = connections(byParent);
  return merged(byParent, (n) => (n.kind === "application" ? talks.get(n.id) : undefined), appGroup);
}

const topicGroup = (parent: string, all: Node[]): Node => ({
  id: `topics:${parent}`,
  kind: "topic",
  name: `${parent}/…`,
  note: new Set(all.map((n) => n.note)).size === 1 ? all[0]!.note : "",
  state: "",
  rate: all.reduce((sum, n) => sum + n.rate, 0),
  of: all.length,
});

const appGroup = (_: string, all: Node[]): Node => ({
  id: `apps:${all[0]!.id}`,
  kind: "application",
  name: `${commonStart(all.map((n) => n.name))}…`,
  note: "",
  state: all.some((n) => n.state === "failed") ? "failed" : all[0]!.state,
  rate: 0,
  of: all.length,
});

// connections tells of each node whom it talks to, as one text.
function connections(graph: Graph): Map<string, string> {
  const lists = new Map<string, string[]>(graph.nodes.map((n) => [n.id, []]));
  for (const e of graph.edges) {
    lists.get(e.from)?.push(`> ${e.to}`);
    lists.get(e.to)?.push(`< ${e.from}`);
  }
  return new Map([...lists].map(([id, list]) => [id, list.sort().join("\n")]));
}

function commonStart(names: string[]): string {
  let start = names[0]!;
  for (const name of names) while (!name.startsWith(start)) start = start.slice(0, -1);
  return start;
}

// merged puts one node in the place of those that have the same key.
function merged(graph: Graph, keyOf: (n: Node) => string | undefined, made: (key: string, all: Node[]) => Node): Graph {
  const groups = new Map<string, Node[]>();
  for (const n of graph.nodes) {
    const key = keyOf(n);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), n]);
  }
  const instead = new Map<string, Node>();
  for (const [key, all] of groups) {
    if (all.length < alike) continue;
    const one = made(key, all);
    for (const n of all) instead.set(n.id, one);
  }
  const nodes = new Map<string, Node>();
  for (const n of graph.nodes) nodes.set((instead.get(n.id) ?? n).id, instead.get(n.id) ?? n);
  return { nodes: [...nodes.values()], edges: together(graph.edges, (id) => instead.get(id)?.id ?? id) };
}

function together(edges: Edge[], at: (id: string) => string): Edge[] {
  const all = new Map<string, Edge>();
  for (const e of edges) {
    const [from, to] = [at(e.from), at(e.to)];
    const id = `${from} → ${to}`;
    const there = all.get(id);
    if (!there) all.set(id, { ...e, id, from, to });
    else all.set(id, { ...there, rate: there.rate + e.rate, shared: there.shared || e.shared, used: there.used || e.used });
  }
  return [...all.values()];
}

// busiest keeps so many nodes: those with the most traffic, what they talk to first.
export function busiest(graph: Graph, most: number): Graph {
  if (graph.nodes.length <= most) return graph;
  const traffic = new Map<string, number>(graph.nodes.map((n) => [n.id, n.rate]));
  for (const e of graph.edges)
    for (const id of [e.from, e.to]) traffic.set(id, (traffic.get(id) ?? 0) + e.rate + (e.used ? 0.001 : 0));
  const order = [...graph.nodes].sort((a, b) => traffic.get(b.id)! - traffic.get(a.id)!);
  return only(graph, new Set(order.slice(0, most).map((n) => n.id)));
}
