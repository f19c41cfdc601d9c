// ApplicationMetrics is how an application went: calls, how long they took, messages, what
// it takes of its devices.
import { Group, SimpleGrid, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import type { Application } from "../api/client";
import { DevicePick } from "../devices/DevicePick";
import { Loaded } from "../parts/Loaded";
import { bytes, percent, rate, span as duration } from "../parts/words";
import { Plot } from "./Plot";
import { SpanChoice, useSpan } from "./SpanChoice";
import { type Shape, seriesOf } from "./series";
import { applicationHistory, type ApplicationPoint, seconds } from "./useHistory";

const shapes: Record<"calls" | "took" | "messages" | "memory" | "cpu" | "lost", Shape<ApplicationPoint>[]> = {
  calls: [
    { name: "calls", tone: "good", filled: true, value: (p) => p.calls },
    { name: "failed", tone: "bad", value: (p) => p.errors },
    { name: "timed out", tone: "warn", value: (p) => p.timeouts },
    { name: "refused", tone: "idle", value: (p) => p.refused },
  ],
  took: [
    { name: "half within", tone: "good", value: (p) => p.p50 },
    { name: "99 % within", tone: "warn", value: (p) => p.p99 },
  ],
  messages: [
    { name: "published", tone: "good", value: (p) => p.in },
    { name: "received", tone: "busy", value: (p) => p.out },
  ],
  lost: [
    { name: "dropped", tone: "warn", value: (p) => p.dropped },
    { name: "denied", tone: "bad", value: (p) => p.denied },
  ],
  memory: [{ name: "own memory", tone: "busy", filled: true, value: (p) => p.memory }],
  cpu: [{ name: "of one processor", tone: "busy", filled: true, value: (p) => p.cpu }],
};

export function ApplicationMetrics({ app }: { app: Application }) {
  const [span, setSpan] = useSpan();
  const [device, setDevice] = useState("");
  const query = useQuery(applicationHistory(app.name, device, span));
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        {app.placements.length > 1 ? (
          <DevicePick
            label="Device"
            all="all devices together"
            value={device}
            onChange={setDevice}
            ids={app.placements.map((p) => p.device)}
          />
        ) : (
          <span />
        )}
        <SpanChoice span={span} onChange={setSpan} />
      </Group>
      <Loaded query={query} height={640}>
        {(h) => <Plots points={h.points} step={h.step} from={seconds(h.from)} to={seconds(h.to)} />}
      </Loaded>
    </Stack>
  );
}

interface PlotsProps {
  points: ApplicationPoint[];
  step: number;
  from: number;
  to: number;
}

function Plots({ points, step, from, to }: PlotsProps) {
  const of = useMemo(
    () => Object.fromEntries(Object.entries(shapes).map(([k, s]) => [k, seriesOf(points, step, s)])) as Drawn,
    [points, step],
  );
  const common = { from, to };
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
      <Plot title="Calls" {...of.calls} {...common} tell={rate} />
      <Plot title="How long calls took" {...of.took} {...common} tell={(s) => duration(s * 1000)} />
      <Plot title="Messages" {...of.messages} {...common} tell={rate} />
      <Plot title="Lost and refused messages" {...of.lost} {...common} tell={rate} />
      <Plot title="Memory" {...of.memory} {...common} tell={bytes} binary />
      <Plot title="Processor" {...of.cpu} {...common} tell={percent} />
    </SimpleGrid>
  );
}

type Drawn = Record<keyof typeof shapes, ReturnType<typeof seriesOf<ApplicationPoint>>>;
