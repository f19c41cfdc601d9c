// MapPage: the graph of a device's applications and topics, live.
import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useMemo } from "react";
import { Link, useSearchParams } from "wouter";
import { devices } from "../api/queries";
import { Empty } from "../parts/Empty";
import { Loaded } from "../parts/Loaded";
import { Page } from "../parts/Page";
import { Pick } from "../parts/Pick";
import { rate } from "../parts/words";
import { usePlaced } from "../topics/usePlaced";
import { useTopics } from "../topics/useTopics";
import { type Graph, graphOf, mostTopics } from "./graph";
import { usePublishers } from "./usePublishers";

const GraphView = lazy(() => import("./GraphView"));

export default function MapPage() {
  const machines = useQuery(devices);
  const [search, setSearch] = useSearchParams();
  const device = search.get("device") ?? (machines.data?.find((d) => d.connected) ?? machines.data?.[0])?.id ?? "";
  const { query, rates } = useTopics(device);
  const placed = usePlaced(device);
  const publishers = usePublishers(device);
  const graph = useMemo(() => graphOf(placed, rates, publishers), [placed, rates, publishers]);
  return (
    <Page
      title="Map"
      note={`Who talks to whom${device ? ` on ${device}` : ""}. Dashed: granted, not used.`}
      actions={
        (machines.data?.length ?? 0) > 1 && (
          <Pick label="Device" value={device} onChange={(d) => setSearch({ device: d })} data={machines.data!.map((d) => d.id)} />
        )
      }
    >
      <Loaded query={query} height={480}>
        {() =>
          graph.nodes.length === 0 ? (
            <Empty title="Nothing to draw yet">
              Applications and the topics they use appear here. <Link href="/new">Write one</Link>.
            </Empty>
          ) : (
            <>
              <Suspense fallback={<div className="map" />}>
                <GraphView graph={graph} />
              </Suspense>
              {rates.length > mostTopics && (
                <Text size="sm" c="dimmed">
                  The {mostTopics} busiest of {rates.length} topics are drawn.
                </Text>
              )}
              <InWords graph={graph} />
            </>
          )
        }
      </Loaded>
    </Page>
  );
}

// InWords is the same graph for those who do not see it.
function InWords({ graph }: { graph: Graph }) {
  const name = new Map(graph.nodes.map((n) => [n.id, n.name]));
  return (
    <details>
      <summary>The same as a list</summary>
      <ul className="words">
        {graph.edges.map((e) => (
          <li key={e.id}>
            {name.get(e.from)} → {name.get(e.to)}: {e.used ? rate(e.rate) : "granted, not used"}
          </li>
        ))}
        {graph.nodes
          .filter((n) => n.note)
          .map((n) => (
            <li key={n.id}>
              {n.name}: {n.note}
            </li>
          ))}
      </ul>
    </details>
  );
}
