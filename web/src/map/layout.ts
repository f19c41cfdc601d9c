// layout places the graph: who publishes, topics, who subscribes, from left to right, or on a
// narrow screen from top to bottom.
import { Graph as Dagre, layout as place } from "@dagrejs/dagre";
import type { Graph, Node } from "./graph";

export const sizes: Record<Node["kind"], { width: number; height: number }> = {
  application: { width: 170, height: 52 },
  topic: { width: 190, height: 52 },
  trigger: { width: 170, height: 44 },
  outside: { width: 150, height: 44 },
};

export type Place = { x: number; y: number };

export type Way = "right" | "down";

export function layout({ nodes, edges }: Graph, way: Way): Map<string, Place> {
  const g = new Dagre({ directed: true });
  const gaps = way === "right" ? { rankdir: "LR", nodesep: 22, ranksep: 90 } : { rankdir: "TB", nodesep: 14, ranksep: 56 };
  g.setGraph({ ...gaps, marginx: 12, marginy: 12 });
  g.setDefaultEdgeLabel(() => ({}));
  for (const n of nodes) g.setNode(n.id, { ...sizes[n.kind] });
  for (const e of edges) g.setEdge(e.from, e.to);
  place(g);
  return new Map(
    nodes.map((n) => {
      const { x = 0, y = 0 } = g.node(n.id) as { x?: number; y?: number };
      return [n.id, { x: x - sizes[n.kind].width / 2, y: y - sizes[n.kind].height / 2 }];
    }),
  );
}
