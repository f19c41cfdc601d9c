// Rates are the messages and calls of all devices together, of the last hour.
import { SimpleGrid } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { rate } from "../parts/words";
import { Plot } from "./Plot";
import { type Shape, seriesOf } from "./series";
import { type DevicePoint, seconds, wholeHistory } from "./useHistory";

const messages: Shape<DevicePoint>[] = [{ name: "messages", tone: "busy", filled: true, value: (p) => p.messages }];
const calls: Shape<DevicePoint>[] = [
  { name: "calls", tone: "good", filled: true, value: (p) => p.calls },
  { name: "failed", tone: "bad", value: (p) => p.errors },
];
const hour = { seconds: 3_600, step: "1m" };
const none: DevicePoint[] = [];

export function Rates() {
  const h = useQuery(wholeHistory(hour)).data;
  const points = h?.points ?? none;
  const drawn = useMemo(() => [seriesOf(points, 60, messages), seriesOf(points, 60, calls)] as const, [points]);
  const now = Date.now() / 1000;
  const common = { from: h ? seconds(h.from) : now - hour.seconds, to: h ? seconds(h.to) : now, tell: rate };
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
      <Plot title="Messages, last hour" {...drawn[0]} {...common} />
      <Plot title="Calls, last hour" {...drawn[1]} {...common} />
    </SimpleGrid>
  );
}
