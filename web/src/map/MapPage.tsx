// MapPage: the graph of a device's applications and topics, live.
import { Group, SegmentedControl, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useMemo } from "react";
import { Link } from "wouter";
import { devices } from "../api/queries";
import { DevicePick } from "../devices/DevicePick";
import { Empty } from "../parts/Empty";
import { Loaded } from "../parts/Loaded";
import { Page } from "../parts/Page";
import { Search } from "../parts/Search";
import { useAddress } from "../parts/useAddress";
import { rate } from "../parts/words";
import { usePlaced } from "../topics/usePlaced";
import { useTopics } from "../topics/useTopics";
import { type Edge, type Graph, graphOf } from "./graph";
import { around, busiest, clustered, narrowed, type Show } from "./view";

const GraphView = lazy(() => import("./GraphView"));

// More than that nobody can read; the busiest are drawn.
const mostNodes = 120;

export default function MapPage() {
  const machines = useQuery(devices);
  const [params, put] = useAddress({ replace: true });
  const device = params.get("device") ?? (machines.data?.find((d) => d.connected) ?? machines.data?.[0])?.id ?? "";
  const search = params.get("search") ?? "";
  const show = (params.get("show") ?? "all") as Show;
  const { query, rates } = useTopics(device);
  const placed = usePlaced(device);
  const whole = useMemo(() => graphOf(placed, rates), [placed, rates]);
  const wanted = useMemo(() => clustered(narrowed(around(whole, search), show)), [whole, search, show]);
  const graph = useMemo(() => busiest(wanted, mostNodes), [wanted]);
  return (
    <Page
      title="Map"
      note={`Who talks to whom${device ? ` on ${device}` : ""}. Dashed: granted, not used. Orange: nobody hears it, or nothing comes.`}
      actions={
        (machines.data?.length ?? 0) > 1 && <DevicePick label="Device" value={device} onChange={(d) => put("device", d)} />
      }
    >
      <Loaded query={query} height={480}>
        {() =>
          whole.nodes.length === 0 ? (
            <Empty title="Nothing to draw yet">
              Applications and the topics they use appear here. <Link href="/new">Write one</Link>.
            </Empty>
          ) : (
            <>
              <Group gap="sm">
                <Search
                  label="Search the map"
                  placeholder="Application or topic"
                  value={search}
                  onChange={(text) => put("search", text)}
                />
                <SegmentedControl
                  size="xs"
                  aria-label="What to show"
                  value={show}
                  onChange={(value) => put("show", value === "all" ? "" : value)}
                  data={[
                    { value: "all", label: "All" },
                    { value: "flowing", label: "What flows" },
                    { value: "findings", label: "Unused, unheard" },
                  ]}
                />
              </Group>
              {graph.nodes.length === 0 ? (
                <Empty title="Nothing of this kind">Search for something else, or show all.</Empty>
              ) : (
                <Suspense fallback={<div className="map" />}>
                  <GraphView graph={graph} />
                </Suspense>
              )}
              {wanted.nodes.length > graph.nodes.length && (
                <Text size="sm" c="dimmed">
                  The busiest {graph.nodes.length} of {wanted.nodes.length} are drawn. Search for the others.
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

const said = (e: Edge) =>
  !e.used ? "granted, not used" : e.from.startsWith("trigger:") ? "calls it" : e.shared ? "some" : rate(e.rate);

// InWords is the same graph for those who do not see it.
function InWords({ graph }: { graph: Graph }) {
  const name = new Map(graph.nodes.map((n) => [n.id, n.name]));
  return (
    <details>
      <summary>The same as a list</summary>
      <ul className="words">
        {graph.edges.map((e) => (
          <li key={e.id}>
            {name.get(e.from)} → {name.get(e.to)}: {said(e)}
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
