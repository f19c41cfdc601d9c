// DeviceMetrics is how a device went: processors, memory, disk, messages, calls.
import { Group, SimpleGrid, Stack, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Loaded } from "../parts/Loaded";
import { bytes, percent, rate } from "../parts/words";
import { Plot } from "./Plot";
import { SpanChoice, useSpan } from "./SpanChoice";
import { type Shape, seriesOf } from "./series";
import { deviceHistory, type DevicePoint, seconds } from "./useHistory";

const cpu: Shape<DevicePoint>[] = [{ name: "busy", tone: "busy", filled: true, value: (p) => p.cpu }];
const memory: Shape<DevicePoint>[] = [
  { name: "in use", tone: "busy", filled: true, value: (p) => p.memory },
  { name: "agent", tone: "good", value: (p) => p.agent },
];
const disk: Shape<DevicePoint>[] = [{ name: "in use", tone: "busy", filled: true, value: (p) => p.disk }];
const traffic: Shape<DevicePoint>[] = [
  { name: "messages", tone: "busy", value: (p) => p.messages },
  { name: "calls", tone: "good", value: (p) => p.calls },
  { name: "failed calls", tone: "bad", value: (p) => p.errors },
];

export function DeviceMetrics({ id }: { id: string }) {
  const [span, setSpan] = useSpan();
  const query = useQuery(deviceHistory(id, span));
  return (
    <Stack component="section" gap="sm">
      <Group justify="space-between">
        <Title order={2}>Over time</Title>
        <SpanChoice span={span} onChange={setSpan} />
      </Group>
      <Loaded query={query} height={440}>
        {(h) => <Plots points={h.points} step={h.step} from={seconds(h.from)} to={seconds(h.to)} />}
      </Loaded>
    </Stack>
  );
}

interface PlotsProps {
  points: DevicePoint[];
  step: number;
  from: number;
  to: number;
}

function Plots({ points, step, from, to }: PlotsProps) {
  const drawn = useMemo(
    () => ({
      cpu: seriesOf(points, step, cpu),
      memory: seriesOf(points, step, memory),
      disk: seriesOf(points, step, disk),
      traffic: seriesOf(points, step, traffic),
    }),
    [points, step],
  );
  const last = points.at(-1);
  const common = { from, to };
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
      <Plot title="Processors" {...drawn.cpu} {...common} most={1} tell={percent} />
      <Plot
        title={last ? `Memory, of ${bytes(last.memoryTotal)}` : "Memory"}
        {...drawn.memory}
        {...common}
        most={last?.memoryTotal}
        tell={bytes}
        binary
      />
      <Plot title="Messages and calls" {...drawn.traffic} {...common} tell={rate} />
      <Plot
        title={last ? `Disk, of ${bytes(last.diskTotal)}` : "Disk"}
        {...drawn.disk}
        {...common}
        most={last?.diskTotal}
        tell={bytes}
        binary
      />
    </SimpleGrid>
  );
}
