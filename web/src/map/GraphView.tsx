// GraphView draws the graph. It is loaded when the map is looked at.
import "@xyflow/react/dist/base.css";
import {
  BaseEdge,
  Controls,
  type EdgeProps,
  Handle,
  MarkerType,
  type Node as FlowNode,
  type NodeProps,
  Position,
  ReactFlow,
} from "@xyflow/react";
import { useMediaQuery } from "@mantine/hooks";
import { useMemo } from "react";
import { Link } from "wouter";
import { Status } from "../parts/Status";
import { count, rate } from "../parts/words";
import type { Graph, Node } from "./graph";
import { layout, sizes, type Way } from "./layout";

// On a small screen a part of the map that can be read is better than all of it that cannot.
const legible = 0.6;

type Drawn = FlowNode<{ node: Node }>;

export default function GraphView({ graph }: { graph: Graph }) {
  // Places change only when something comes or goes, not with every rate.
  const way: Way = useMediaQuery("(max-width: 36em)", undefined, { getInitialValueInEffect: false }) ? "down" : "right";
  const shape = [way, ...graph.nodes.map((n) => n.id), ...graph.edges.map((e) => e.id)].join("\n");
  const places = useMemo(() => layout(graph, way), [shape]);
  const nodes = graph.nodes.map((n): Drawn => ({
    id: n.id,
    type: n.kind,
    position: places.get(n.id) ?? { x: 0, y: 0 },
    data: { node: n },
    sourcePosition: way === "right" ? Position.Right : Position.Bottom,
    targetPosition: way === "right" ? Position.Left : Position.Top,
    ...sizes[n.kind],
    ariaLabel: describe(n),
  }));
  const along = way === "right" ? "x" : "y";
  const isBack = (from: string, to: string) => (places.get(from)?.[along] ?? 0) >= (places.get(to)?.[along] ?? 0);
  const edges = graph.edges.map((e) => ({
    id: e.id,
    source: e.from,
    target: e.to,
    type: isBack(e.from, e.to) ? "back" : "default",
    className: e.used ? (e.rate > 0 || e.shared ? "flows" : undefined) : "granted",
    label: e.rate > 0 ? rate(e.rate) : undefined,
    markerEnd: { type: MarkerType.ArrowClosed, width: 14, height: 14 },
    focusable: false,
  }));
  return (
    <div className="map">
      <ReactFlow
        key={shape}
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        fitView
        fitViewOptions={{ maxZoom: 1.1, minZoom: legible, padding: 0.12 }}
        minZoom={0.15}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        proOptions={{ hideAttribution: false }}
      >
        <Controls showInteractive={false} />
      </ReactFlow>
    </div>
  );
}

// BackEdge leads back to the left below what it would otherwise cross, or back up beside it.
function BackEdge({ sourceX: sx, sourceY: sy, targetX: tx, targetY: ty, sourcePosition, markerEnd, label }: EdgeProps) {
  if (sourcePosition === Position.Bottom) {
    const far = Math.max(sx, tx) + sizes.topic.width / 2 + 24;
    const path = `M${sx},${sy} C${sx},${sy + 40} ${far},${sy + 40} ${far},${sy} L${far},${ty} C${far},${ty - 40} ${tx},${ty - 40} ${tx},${ty}`;
    return <BaseEdge path={path} markerEnd={markerEnd} label={label} labelX={far} labelY={(sy + ty) / 2} />;
  }
  const low = Math.max(sy, ty) + 54;
  const path = `M${sx},${sy} C${sx + 50},${sy} ${sx + 50},${low} ${sx},${low} L${tx},${low} C${tx - 50},${low} ${tx - 50},${ty} ${tx},${ty}`;
  return <BaseEdge path={path} markerEnd={markerEnd} label={label} labelX={(sx + tx) / 2} labelY={low} />;
}

const edgeTypes = { back: BackEdge };

const describe = (n: Node) => `${n.of ? `${n.of} of ` : ""}${n.kind} ${n.name}${n.note ? `, ${n.note}` : ""}`;

// Where what a node stands for is shown.
const searched = (n: Node) => `/map?search=${encodeURIComponent(n.name.replace("…", ""))}`;

function ApplicationNode({ data: { node }, ...at }: NodeProps<Drawn>) {
  return (
    <Box node={node} at={at}>
      <Link href={node.of ? searched(node) : `/applications/${node.name}`} title={node.name}>
        {node.name}
      </Link>
      {node.of ? <span className="node-note">{count(node.of, "application")}</span> : <Status state={node.state} />}
    </Box>
  );
}

function TopicNode({ data: { node }, ...at }: NodeProps<Drawn>) {
  return (
    <Box node={node} at={at}>
      <Link href={node.of ? searched(node) : `/topics?filter=${encodeURIComponent(node.name)}`} title={node.name}>
        {node.name}
      </Link>
      <span className="node-note">
        {node.of ? `${count(node.of, "topic")}, ` : ""}
        {node.note || rate(node.rate)}
      </span>
    </Box>
  );
}

const TriggerNode = ({ data: { node }, ...at }: NodeProps<Drawn>) => (
  <Box node={node} at={at}>
    <span title={node.name}>{node.name}</span>
    <span className="node-note">trigger</span>
  </Box>
);

const OutsideNode = ({ data: { node }, ...at }: NodeProps<Drawn>) => (
  <Box node={node} at={at}>
    <span>{node.name}</span>
    <span className="node-note">outside client</span>
  </Box>
);

interface BoxProps {
  node: Node;
  at: Pick<NodeProps, "sourcePosition" | "targetPosition">;
  children: React.ReactNode;
}

function Box({ node, at, children }: BoxProps) {
  return (
    <div className="node" data-kind={node.kind} data-noted={node.note || undefined}>
      <Handle type="target" position={at.targetPosition ?? Position.Left} isConnectable={false} />
      {children}
      <Handle type="source" position={at.sourcePosition ?? Position.Right} isConnectable={false} />
    </div>
  );
}

const nodeTypes = { application: ApplicationNode, topic: TopicNode, trigger: TriggerNode, outside: OutsideNode };
